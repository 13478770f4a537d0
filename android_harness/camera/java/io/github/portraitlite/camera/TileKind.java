package io.github.portraitlite.camera;

/** What makes a finished tile. */
public enum TileKind {
    /** All subject: the photo's own pixels. */
    COPY,
    /** All background: the fill graph, which needs no photo. */
    FILL,
    /** Both: the apply graph. */
    APPLY
}
