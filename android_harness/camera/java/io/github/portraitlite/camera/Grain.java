package io.github.portraitlite.camera;

import java.util.Arrays;

/** Grain for the blurred part: a disc averages the photo's noise away, and a smooth background looks pasted in. */
public final class Grain {
    private static final int GRAIN_UNIT = 32; // standard deviation of the tile's values
    private static final int CHANNELS = 3;
    private static final int BLOCK = 8;
    private static final int BLOCKS = 64; // looked at along each side of the photo
    private static final int LEAST_BLOCKS = 16;
    private static final int DARKEST = 8; // blocks that reach beyond have their noise clipped
    private static final int BRIGHTEST = 247;
    // 49 differences of variance 4 each, times 0.84: the lower quartile of white noise lies so far below its mean.
    private static final int QUARTILE = 164;
    private static final int ROUNDING = 22; // 256 / 12 and a little: variance of rounding to bytes
    private static final int LEAST_VARIANCE = 24; // below it lie smooth made pictures
    private static final int LARGEST_VARIANCE = 160 * 160; // beyond it the photo has no flat parts

    private Grain() {}

    /**
     * Standard deviation of the photo's noise, measured in its flattest parts.
     *
     * @param pixels (H, W, 3) RGB
     * @return in sixteenths of a byte step; 0 without noise or flat parts
     * @throws IllegalArgumentException no RGB
     */
    public static int noiseLevel(Bytes pixels) {
        Check.channels("the photo", pixels.channels, 3);
        int rows = Math.min(BLOCKS, pixels.height / BLOCK);
        int columns = Math.min(BLOCKS, pixels.width / BLOCK);
        int[] sums = new int[rows * columns];
        int count = 0;
        for (int i = 0; i < rows; i++) {
            for (int k = 0; k < columns; k++) {
                int sum = mixedDifferences(pixels, start(i, rows, pixels.height), start(k, columns, pixels.width));
                if (sum >= 0) {
                    sums[count++] = sum;
                }
            }
        }
        if (count < LEAST_BLOCKS) {
            return 0;
        }
        Arrays.sort(sums, 0, count);
        int variance = (int) (sums[count / 4] * 256L / QUARTILE) - ROUNDING;
        // The root of so small a number is exact before it is cut to an integer.
        return variance < LEAST_VARIANCE || variance > LARGEST_VARIANCE ? 0 : (int) Math.sqrt(variance);
    }

    /**
     * The grain itself, the same for every photo: a hash of the pixel's place.
     *
     * @param height rows
     * @param width columns
     * @param seed of {@link BlurSpec}
     * @return height * width values -127..127, row by row, of standard deviation 32
     * @throws IllegalArgumentException a size below 1
     */
    public static byte[] noiseTile(int height, int width, int seed) {
        byte[] tile = new byte[Check.size(height, width, 1)];
        for (int i = 0; i < tile.length; i++) {
            // The 32-bit finaliser of MurmurHash3 (Appleby, public domain); int arithmetic is modulo 2^32.
            int hash = 1024 * (i / width) + i % width + seed * 0x9E3779B9;
            hash = (hash ^ hash >>> 16) * 0x85EBCA6B;
            hash = (hash ^ hash >>> 13) * 0xC2B2AE35;
            hash ^= hash >>> 16;
            int total = (hash & 255) + (hash >>> 8 & 255) + (hash >>> 16 & 255) + (hash >>> 24) - 510;
            tile[i] = (byte) Math.min(127, Math.max(-127, total * 7 + 16 >> 5));
        }
        return tile;
    }

    /**
     * The noise that apply and fill are fed, the same for every tile of a photo.
     *
     * @param pixels (H, W, 3) RGB, whose own noise sets the strength
     * @param scale photo pixels per plan pixel
     * @param spec of the graphs
     * @param grain 0..1, times the photo's noise
     * @return (tile height, tile width, 3), in units of white, the same in all channels
     * @throws IllegalArgumentException no RGB, or another share
     */
    public static Floats noiseInput(Bytes pixels, int scale, BlurSpec spec, double grain) {
        Check.share("grain", grain);
        Floats noise = new Floats(spec.tileHeight(scale), spec.tileWidth(scale), CHANNELS);
        int level = grain > 0 ? noiseLevel(pixels) : 0;
        if (level > 0) {
            float factor = (float) (grain * level / (16 * 255 * GRAIN_UNIT));
            byte[] tile = noiseTile(noise.height, noise.width, spec.noiseSeed);
            for (int i = 0; i < noise.data.length; i++) {
                noise.data[i] = tile[i / CHANNELS] * factor;
            }
        }
        return noise;
    }

    /** First pixel of a block along one side. */
    private static int start(int index, int count, int side) {
        return index * (side - BLOCK) / Math.max(1, count - 1);
    }

    /** Sum of the squares of p00 - p01 - p10 + p11 in a block: no even slope adds to it. -1 where noise is clipped. */
    private static int mixedDifferences(Bytes pixels, int top, int left) {
        int stride = pixels.width * 3;
        int sum = 0;
        for (int y = 0; y < BLOCK; y++) {
            for (int x = 0; x < BLOCK; x++) {
                int at = (top + y) * stride + (left + x) * 3 + 1;
                int green = pixels.data[at] & 255;
                if (green < DARKEST || green > BRIGHTEST) {
                    return -1;
                }
                if (y > 0 && x > 0) {
                    int mixed = (pixels.data[at - stride - 3] & 255) - (pixels.data[at - stride] & 255)
                        - (pixels.data[at - 3] & 255) + green;
                    sum += mixed * mixed;
                }
            }
        }
        return sum;
    }
}
