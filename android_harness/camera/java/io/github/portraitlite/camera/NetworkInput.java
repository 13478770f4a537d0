package io.github.portraitlite.camera;

import java.nio.ByteBuffer;
import java.util.Arrays;

/** A photo at network size, and what the network is fed with. */
public final class NetworkInput {
    private static final byte PAD_BYTE = (byte) 128; // the mean pixel 127.5 on the byte grid

    /** (input height, input width, 3) RGB. */
    public final Bytes pixels;
    /** Rows that show the photo; those below are padding. */
    public final int usedHeight;
    /** Columns that show the photo; those to the right are padding. */
    public final int usedWidth;

    /**
     * A picture that has the network's size already.
     *
     * @param pixels (input height, input width, 3) RGB
     * @param usedHeight rows that show the photo, 1 to the input's height
     * @param usedWidth columns that show the photo, 1 to the input's width
     * @throws IllegalArgumentException no RGB, or a used part that is not inside
     */
    public NetworkInput(Bytes pixels, int usedHeight, int usedWidth) {
        Check.channels("the network's input", pixels.channels, 3);
        Check.inside(0, 0, usedHeight, usedWidth, pixels.height, pixels.width);
        this.pixels = pixels;
        this.usedHeight = usedHeight;
        this.usedWidth = usedWidth;
    }

    /**
     * Scales a photo to the network's input with {@link PillowBilinear}.
     *
     * @param pixels (H, W, 3) RGB
     * @param height of the input
     * @param width of the input
     * @param fit STRETCH fills the input; PAD scales by the smaller ratio and truncates both sides to whole pixels
     * @return the input
     * @throws IllegalArgumentException no RGB, or a size below 1
     */
    public static NetworkInput fitPhoto(Bytes pixels, int height, int width, Fit fit) {
        Check.channels("the photo", pixels.channels, 3);
        Check.size(height, width, 3);
        if (fit == Fit.STRETCH) {
            return new NetworkInput(PillowBilinear.resize(pixels, height, width), height, width);
        }
        double ratio = Math.min((double) height / pixels.height, (double) width / pixels.width);
        int usedHeight = Math.min(height, Math.max(1, (int) (pixels.height * ratio + 1e-6)));
        int usedWidth = Math.min(width, Math.max(1, (int) (pixels.width * ratio + 1e-6)));
        Bytes resized = PillowBilinear.resize(pixels, usedHeight, usedWidth);
        if (usedHeight == height && usedWidth == width) {
            return new NetworkInput(resized, height, width);
        }
        Bytes padded = new Bytes(height, width, 3);
        Arrays.fill(padded.data, PAD_BYTE);
        for (int y = 0; y < usedHeight; y++) {
            System.arraycopy(resized.data, y * usedWidth * 3, padded.data, y * width * 3, usedWidth * 3);
        }
        return new NetworkInput(padded, usedHeight, usedWidth);
    }

    /**
     * For models with a uint8 input: the bytes as they are.
     *
     * @return a direct buffer of (1, height, width, 3) uint8
     */
    public ByteBuffer feedBytes() {
        return pixels.toBuffer();
    }

    /**
     * For models with an int8 input: every byte less 128.
     *
     * @return a direct buffer of (1, height, width, 3) int8
     */
    public ByteBuffer feedSignedBytes() {
        ByteBuffer buffer = pixels.toBuffer();
        for (int i = 0; i < buffer.limit(); i++) {
            buffer.put(i, (byte) (buffer.get(i) ^ 0x80));
        }
        return buffer;
    }

    /**
     * For models with a float input: (byte - mean) / std, and exactly 0 in the padding.
     *
     * @param mean of the model, mostly 127.5
     * @param std of the model, mostly 127.5; not 0
     * @return a direct buffer of (1, height, width, 3) float32 in native byte order
     * @throws IllegalArgumentException std is 0 or no number
     */
    public ByteBuffer feedFloats(float mean, float std) {
        if (!(std > 0 || std < 0)) {
            throw Check.refusal("the standard deviation is %s; expected a number other than 0", std);
        }
        Floats floats = new Floats(pixels.height, pixels.width, 3);
        for (int y = 0; y < usedHeight; y++) {
            int row = y * pixels.width * 3;
            for (int i = row; i < row + usedWidth * 3; i++) {
                floats.data[i] = ((pixels.data[i] & 255) - mean) / std;
            }
        }
        return floats.toBuffer();
    }
}
