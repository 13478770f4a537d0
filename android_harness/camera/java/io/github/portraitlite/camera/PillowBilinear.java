package io.github.portraitlite.camera;

import java.util.Arrays;

/**
 * The BILINEAR resize of the Pillow library: two passes, columns first, a triangle filter that widens when shrinking.
 * Bytes are weighted in 22-bit fixed point, each pass rounded and clipped to 8 bits; floats are summed in double. A
 * pass that would change nothing is left out.
 */
public final class PillowBilinear {
    private static final int HALF = 1 << Weights.PRECISION_BITS - 1;

    private PillowBilinear() {}

    /**
     * Resizes a whole picture.
     *
     * @param source (h, w, C) bytes
     * @param height rows wanted, at least 1
     * @param width columns wanted, at least 1
     * @return (height, width, C); the same object where nothing changes
     * @throws IllegalArgumentException a size below 1
     */
    public static Bytes resize(Bytes source, int height, int width) {
        return resize(source, height, width, Box.of(source.height, source.width));
    }

    /**
     * Resizes a part of a picture.
     *
     * @param source (h, w, C) bytes
     * @param height rows wanted, at least 1
     * @param width columns wanted, at least 1
     * @param box the part, inside the picture; edges need not be whole
     * @return (height, width, C); the same object where nothing changes
     * @throws IllegalArgumentException a size below 1, or a box that reaches beyond the picture
     */
    public static Bytes resize(Bytes source, int height, int width, Box box) {
        check(source.height, source.width, source.channels, height, width, box);
        Bytes wide = source;
        if (width != source.width || box.left != 0 || box.right != source.width) {
            wide = columns(source, width, new Weights(width, source.width, box.left, box.right));
        }
        if (height == source.height && box.top == 0 && box.bottom == source.height) {
            return wide;
        }
        return rows(wide, height, new Weights(height, source.height, box.top, box.bottom));
    }

    /**
     * Resizes a part of a map of floats.
     *
     * @param source (h, w, 1)
     * @param height rows wanted, at least 1
     * @param width columns wanted, at least 1
     * @param box the part, inside the map
     * @return (height, width, 1); the same object where nothing changes
     * @throws IllegalArgumentException a size below 1, several channels, or a box that reaches beyond the map
     */
    public static Floats resize(Floats source, int height, int width, Box box) {
        Check.channels("the map", source.channels, 1);
        check(source.height, source.width, 1, height, width, box);
        Floats wide = source;
        if (width != source.width || box.left != 0 || box.right != source.width) {
            wide = pass(source, source.height, width, new Weights(width, source.width, box.left, box.right), true);
        }
        if (height == source.height && box.top == 0 && box.bottom == source.height) {
            return wide;
        }
        return pass(wide, height, width, new Weights(height, source.height, box.top, box.bottom), false);
    }

    private static void check(int h, int w, int channels, int height, int width, Box box) {
        Check.size(height, width, channels);
        if (box.left < 0 || box.top < 0 || (float) box.right > w || (float) box.bottom > h) {
            throw Check.refusal("the box is %s, %s, %s, %s; expected it inside 0, 0, %d, %d",
                box.left, box.top, box.right, box.bottom, w, h);
        }
    }

    private static Bytes columns(Bytes source, int width, Weights weights) {
        int channels = source.channels;
        Bytes made = new Bytes(source.height, width, channels);
        for (int y = 0, at = 0; y < source.height; y++) {
            for (int x = 0; x < width; x++) {
                int[] row = weights.fixed[x];
                int start = (y * source.width + weights.first[x]) * channels;
                for (int channel = 0; channel < channels; channel++) {
                    int total = HALF;
                    for (int k = 0, from = start + channel; k < row.length; k++, from += channels) {
                        total += row[k] * (source.data[from] & 255);
                    }
                    made.data[at++] = clipped(total);
                }
            }
        }
        return made;
    }

    private static Bytes rows(Bytes source, int height, Weights weights) {
        int stride = source.width * source.channels;
        Bytes made = new Bytes(height, source.width, source.channels);
        int[] totals = new int[stride];
        for (int y = 0; y < height; y++) {
            Arrays.fill(totals, HALF);
            int[] column = weights.fixed[y];
            for (int k = 0; k < column.length; k++) {
                int from = (weights.first[y] + k) * stride;
                for (int i = 0; i < stride; i++) {
                    totals[i] += column[k] * (source.data[from + i] & 255);
                }
            }
            for (int i = 0; i < stride; i++) {
                made.data[y * stride + i] = clipped(totals[i]);
            }
        }
        return made;
    }

    private static Floats pass(Floats source, int height, int width, Weights weights, boolean across) {
        Floats made = new Floats(height, width, 1);
        int step = across ? 1 : source.width;
        for (int y = 0, at = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                double[] row = weights.exact[across ? x : y];
                int from = across ? y * source.width + weights.first[x] : weights.first[y] * source.width + x;
                double total = 0;
                for (int k = 0; k < row.length; k++) {
                    total += source.data[from + k * step] * row[k];
                }
                made.data[at++] = (float) total;
            }
        }
        return made;
    }

    private static byte clipped(int total) {
        return (byte) Math.min(255, Math.max(0, total >> Weights.PRECISION_BITS));
    }
}
