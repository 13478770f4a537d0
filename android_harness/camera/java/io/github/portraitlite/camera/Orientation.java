package io.github.portraitlite.camera;

/** Which way the long side of a plan lies. */
public enum Orientation {
    /** More columns than rows. */
    LANDSCAPE,
    /** More rows than columns. */
    PORTRAIT
}
