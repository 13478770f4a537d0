package io.github.portraitlite.camera;

/** What a model puts out. */
public enum OutputKind {
    /** Class indices. */
    LABELS,
    /** Class scores before softmax. */
    LOGITS,
    /** Probabilities. */
    CONFIDENCE
}
