package io.github.portraitlite.camera;

import java.util.Arrays;

/** What a model saw in one photo. */
public final class Segmentation {
    /** Of the model. */
    public final ModelMetadata metadata;
    /** Rows of the photo. */
    public final int height;
    /** Columns of the photo. */
    public final int width;
    /** The photo's rim in the output's pixel-edge coordinates. */
    public final Box box;
    private final Floats scores;
    private final Bytes classes;
    private final int rows;
    private final int columns;

    /**
     * Of a model that puts out logits or confidences.
     *
     * @param scores (h, w, C) at network size; C is the number of labels, or 1 with an output label
     * @param metadata of the model
     * @param height rows of the photo
     * @param width columns of the photo
     * @param input what the network was fed
     * @throws IllegalArgumentException the output, the input or the photo does not fit the model
     */
    public Segmentation(Floats scores, ModelMetadata metadata, int height, int width, NetworkInput input) {
        this(scores, null, metadata, height, width, input);
        if (metadata.outputKind == OutputKind.LABELS) {
            throw Check.refusal("found scores; expected labels, which this model puts out");
        }
        Check.channels("the output", scores.channels, metadata.outputLabel != null ? 1 : metadata.labels.size());
    }

    /**
     * Of a model that puts out labels.
     *
     * @param classes (h, w, 1) class indices
     * @param metadata of the model
     * @param height rows of the photo
     * @param width columns of the photo
     * @param input what the network was fed
     * @throws IllegalArgumentException the output, the input or the photo does not fit the model
     */
    public Segmentation(Bytes classes, ModelMetadata metadata, int height, int width, NetworkInput input) {
        this(null, classes, metadata, height, width, input);
        if (metadata.outputKind != OutputKind.LABELS) {
            throw Check.refusal("found labels; expected %s, which this model puts out", metadata.outputKind);
        }
        Check.channels("the label map", classes.channels, 1);
    }

    private Segmentation(
            Floats scores, Bytes classes, ModelMetadata metadata, int height, int width, NetworkInput input) {
        Check.size(height, width, 3);
        if (input.pixels.height != metadata.inputHeight || input.pixels.width != metadata.inputWidth) {
            throw Check.refusal("the network's input has %d x %d pixels; expected %d x %d",
                input.pixels.width, input.pixels.height, metadata.inputWidth, metadata.inputHeight);
        }
        this.scores = scores;
        this.classes = classes;
        this.metadata = metadata;
        this.height = height;
        this.width = width;
        rows = scores != null ? scores.height : classes.height;
        columns = scores != null ? scores.width : classes.width;
        double usedHeight = (double) input.usedHeight * metadata.networkHeight / metadata.inputHeight;
        double usedWidth = (double) input.usedWidth * metadata.networkWidth / metadata.inputWidth;
        double[] down = span(usedHeight, metadata.networkHeight, rows, metadata.resizeConvention);
        double[] across = span(usedWidth, metadata.networkWidth, columns, metadata.resizeConvention);
        box = new Box(across[0], down[0], across[1], down[1]);
    }

    /**
     * Confidence that a sample belongs to a class; of logits their softmax, of labels 0 or 1.
     *
     * @param label of the class
     * @return (h, w, 1) in 0..1 at network size
     * @throws IllegalArgumentException the model does not know the label, or cannot tell it
     */
    public Floats confidence(String label) {
        int index = metadata.index(label);
        Floats made = new Floats(rows, columns, 1);
        if (metadata.outputLabel != null && !label.equals(metadata.outputLabel) && metadata.labels.size() != 2) {
            throw Check.refusal("the model puts out the confidence of %s only, not of %s", metadata.outputLabel, label);
        }
        for (int i = 0; i < made.data.length; i++) {
            if (classes != null) {
                made.data[i] = (classes.data[i] & 255) == index ? 1 : 0;
            } else if (metadata.outputLabel != null) {
                made.data[i] = label.equals(metadata.outputLabel) ? scores.data[i] : 1 - scores.data[i];
            } else if (metadata.outputKind == OutputKind.CONFIDENCE) {
                made.data[i] = scores.data[i * scores.channels + index];
            } else {
                made.data[i] = softmax(i * scores.channels, index);
            }
        }
        return made;
    }

    /**
     * {@link #confidence} * 255, rounded: the form in which masks travel on. Samples in the padding repeat the photo's
     * last ones, so that the subject does not fade towards a padded rim. Confidences outside 0..1 are clipped, NaN is
     * 0.
     *
     * @param label of the class
     * @return (h, w, 1) at network size
     * @throws IllegalArgumentException the model does not know the label, or cannot tell it
     */
    public Bytes mask(String label) {
        Floats confidence = confidence(label);
        Bytes mask = new Bytes(rows, columns, 1);
        for (int i = 0; i < mask.data.length; i++) {
            mask.data[i] = (byte) Math.min(255, Math.max(0, (int) (confidence.data[i] * 255 + 0.5f)));
        }
        // Samples whose place lies on the photo: i * step <= used - 1, written with the edges of `box`.
        int usedRows = Math.max(1, Math.min(rows, (int) (box.bottom + box.top + 1e-6)));
        int usedColumns = Math.max(1, Math.min(columns, (int) (box.right + box.left + 1e-6)));
        for (int y = 0; y < rows; y++) {
            if (y < usedRows) {
                int row = y * columns;
                Arrays.fill(mask.data, row + usedColumns, row + columns, mask.data[row + usedColumns - 1]);
            } else {
                System.arraycopy(mask.data, (usedRows - 1) * columns, mask.data, y * columns, columns);
            }
        }
        return mask;
    }

    /**
     * A mask at photo size, by {@link PillowBilinear} over {@link #box}.
     *
     * @param label of the class
     * @return (H, W, 1)
     * @throws IllegalArgumentException the model does not know the label, or cannot tell it
     */
    public Bytes photoMask(String label) {
        return maskAtSize(mask(label), box, height, width);
    }

    /**
     * A mask at another size, by {@link PillowBilinear}.
     *
     * @param mask (h, w, 1)
     * @param box the photo's rim in pixel-edge coordinates of the mask; what reaches beyond the mask is left out
     * @param height rows wanted
     * @param width columns wanted
     * @return (height, width, 1) over the whole photo
     * @throws IllegalArgumentException a size below 1, or a box that does not touch the mask
     */
    public static Bytes maskAtSize(Bytes mask, Box box, int height, int width) {
        Check.channels("the mask", mask.channels, 1);
        Box inside = new Box(Math.max(box.left, 0), Math.max(box.top, 0), Math.min(box.right, mask.width),
            Math.min(box.bottom, mask.height));
        return PillowBilinear.resize(mask, height, width, inside);
    }

    private float softmax(int first, int index) {
        float largest = Float.NEGATIVE_INFINITY;
        for (int channel = 0; channel < scores.channels; channel++) {
            largest = Math.max(largest, scores.data[first + channel]);
        }
        float total = 0;
        float own = 0;
        for (int channel = 0; channel < scores.channels; channel++) {
            float value = (float) Math.exp(scores.data[first + channel] - largest);
            total += value;
            own = channel == index ? value : own;
        }
        return own / total;
    }

    /** Edges 0 and `used` of the input, in the output's pixel-edge coordinates. */
    private static double[] span(double used, int source, int samples, ResizeConvention convention) {
        if (convention == ResizeConvention.HALF_PIXEL || samples == source) {
            return new double[] {0, used * samples / source};
        }
        boolean aligned = convention == ResizeConvention.ALIGN_CORNERS && samples > 1;
        double step = aligned ? (double) (source - 1) / (samples - 1) : (double) source / samples;
        if (step == 0) {
            throw Check.refusal("found %d samples of an input of 1 pixel; expected 1", samples);
        }
        return new double[] {0.5 - 0.5 / step, (used - 0.5) / step + 0.5};
    }
}
