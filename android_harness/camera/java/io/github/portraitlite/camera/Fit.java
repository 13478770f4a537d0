package io.github.portraitlite.camera;

/** How a photo becomes the network's input. */
public enum Fit {
    /** Fills the input and ignores the aspect ratio. */
    STRETCH,
    /** Keeps the aspect ratio; the photo lies at the top left, the rest is filled with the mean pixel. */
    PAD
}
