package io.github.portraitlite.camera;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * How to feed a segmentation model and how to read what it returns. The numbers are in the {@code .json} beside the
 * model, under {@code metadata}, with the same names in snake case.
 */
public final class ModelMetadata {
    /** Class names by index. */
    public final List<String> labels;
    /** Rows of the input. */
    public final int inputHeight;
    /** Columns of the input. */
    public final int inputWidth;
    /** Rows that the output's samples refer to; those of the input, unless the file resizes its input first. */
    public final int networkHeight;
    /** Columns that the output's samples refer to. */
    public final int networkWidth;
    /** What comes out. */
    public final OutputKind outputKind;
    /** For a confidence of one channel, the label that it is the confidence of; otherwise null. */
    public final String outputLabel;
    /** Where the output's samples lie. */
    public final ResizeConvention resizeConvention;

    /**
     * A model whose network sees the input as it is.
     *
     * @param labels class names by index
     * @param inputHeight rows of the input
     * @param inputWidth columns of the input
     * @param outputKind what comes out
     * @param outputLabel for a confidence of one channel, its label; otherwise null
     * @param resizeConvention where the output's samples lie
     * @throws IllegalArgumentException no labels, an unknown output label, or a size below 1
     */
    public ModelMetadata(List<String> labels, int inputHeight, int inputWidth, OutputKind outputKind,
            String outputLabel, ResizeConvention resizeConvention) {
        this(labels, inputHeight, inputWidth, inputHeight, inputWidth, outputKind, outputLabel, resizeConvention);
    }

    /**
     * A model that resizes its input first (a camera frame).
     *
     * @param labels class names by index
     * @param inputHeight rows of the input
     * @param inputWidth columns of the input
     * @param networkHeight rows that the network sees
     * @param networkWidth columns that the network sees
     * @param outputKind what comes out
     * @param outputLabel for a confidence of one channel, its label; otherwise null
     * @param resizeConvention where the output's samples lie
     * @throws IllegalArgumentException no labels, an unknown output label, or a size below 1
     */
    public ModelMetadata(List<String> labels, int inputHeight, int inputWidth, int networkHeight, int networkWidth,
            OutputKind outputKind, String outputLabel, ResizeConvention resizeConvention) {
        Check.size(inputHeight, inputWidth, 3);
        Check.size(networkHeight, networkWidth, 3);
        if (labels.isEmpty()) {
            throw Check.refusal("found no labels; expected the model's class names");
        }
        if (outputLabel != null && (outputKind != OutputKind.CONFIDENCE || !labels.contains(outputLabel))) {
            throw Check.refusal("found output label %s for %s; expected one of %s with CONFIDENCE, or none",
                outputLabel, outputKind, labels);
        }
        this.labels = Collections.unmodifiableList(new ArrayList<>(labels));
        this.inputHeight = inputHeight;
        this.inputWidth = inputWidth;
        this.networkHeight = networkHeight;
        this.networkWidth = networkWidth;
        this.outputKind = outputKind;
        this.outputLabel = outputLabel;
        this.resizeConvention = resizeConvention;
    }

    int index(String label) {
        int index = labels.indexOf(label);
        if (index < 0) {
            throw Check.refusal("the model knows no class %s; it knows %s", label, labels);
        }
        return index;
    }

    /** Whether the model tells the classes beside the subject apart; of two classes, one is just the rest. */
    boolean tellsApart() {
        return outputLabel == null && labels.size() > 2;
    }
}
