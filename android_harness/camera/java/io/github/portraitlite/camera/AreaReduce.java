package io.github.portraitlite.camera;

import java.util.Arrays;

/** The block mean that brings a photo to the plan grid. */
public final class AreaReduce {
    private AreaReduce() {}

    /**
     * The rounded mean of every block of scale x scale pixels: {@code ((sum + n / 2) * (2^24 / n)) >> 24}, where n is
     * the number of pixels that exist in the block; blocks at the right and the bottom may have fewer.
     *
     * @param pixels (H, W, C) bytes
     * @param scale side of a block in pixels, 1 to 256
     * @return (H / scale, W / scale, C), rounded up
     * @throws IllegalArgumentException another scale
     */
    public static Bytes areaReduce(Bytes pixels, int scale) {
        if (scale < 1 || scale > 256) {
            throw Check.refusal("the scale is %d; expected 1 to 256", scale);
        }
        int channels = pixels.channels;
        Bytes made = new Bytes(blocks(pixels.height, scale), blocks(pixels.width, scale), channels);
        int[] sums = new int[made.width * channels];
        for (int y = 0, at = 0; y < made.height; y++) {
            int bottom = Math.min(pixels.height, (y + 1) * scale);
            sum(pixels, y * scale, bottom, scale, sums);
            for (int x = 0; x < made.width; x++) {
                int columns = Math.min(scale, pixels.width - x * scale);
                int count = columns * (bottom - y * scale);
                long factor = (1 << 24) / count;
                for (int channel = 0; channel < channels; channel++, at++) {
                    made.data[at] = (byte) ((sums[x * channels + channel] + count / 2) * factor >> 24);
                }
            }
        }
        return made;
    }

    /** Sums of the blocks that lie on some rows. */
    private static void sum(Bytes pixels, int top, int bottom, int scale, int[] sums) {
        Arrays.fill(sums, 0);
        int channels = pixels.channels;
        for (int y = top; y < bottom; y++) {
            int from = y * pixels.width * channels;
            for (int x = 0; x < pixels.width; x++) {
                int block = x / scale * channels;
                for (int channel = 0; channel < channels; channel++) {
                    sums[block + channel] += pixels.data[from++] & 255;
                }
            }
        }
    }

    static int blocks(int side, int scale) {
        return side / scale + (side % scale == 0 ? 0 : 1);
    }
}
