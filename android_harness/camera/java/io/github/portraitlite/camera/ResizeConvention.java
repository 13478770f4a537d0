package io.github.portraitlite.camera;

/** Where the samples of a model's output lie in its input: TensorFlow's three conventions. */
public enum ResizeConvention {
    /** Corner samples coincide. */
    ALIGN_CORNERS,
    /** Sample i lies at pixel i * scale. */
    LEGACY,
    /** Pixel areas coincide, as in image editors. */
    HALF_PIXEL
}
