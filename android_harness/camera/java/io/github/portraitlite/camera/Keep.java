package io.github.portraitlite.camera;

/** Which figures stay sharp. */
public enum Keep {
    /** All of them. */
    ALL,
    /** The one with the largest area. */
    LARGEST,
    /** The one at the focus point or nearest to it. */
    FOCUS,
    /** Those about as near to the camera as the one at the focus point (without one, the largest). */
    NEAR
}
