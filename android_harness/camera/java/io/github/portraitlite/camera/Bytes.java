package io.github.portraitlite.camera;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * A (height, width, channels) array of bytes 0..255, row by row: a photo (3 channels, RGB), a mask or a label map (1).
 */
public final class Bytes {
    /** Rows. */
    public final int height;
    /** Columns. */
    public final int width;
    /** Values per pixel; those of a pixel lie beside each other. */
    public final int channels;
    /** All values; Java's bytes are signed, so read them with {@code & 255}. */
    public final byte[] data;

    /**
     * All zeros.
     *
     * @param height rows, at least 1
     * @param width columns, at least 1
     * @param channels values per pixel, at least 1
     * @throws IllegalArgumentException an empty array, or one of 2 GiB or more
     */
    public Bytes(int height, int width, int channels) {
        this(height, width, channels, new byte[Check.size(height, width, channels)]);
    }

    /**
     * Wraps an array without copying it.
     *
     * @param height rows, at least 1
     * @param width columns, at least 1
     * @param channels values per pixel, at least 1
     * @param data height * width * channels values
     * @throws IllegalArgumentException an empty array, or one of another length
     */
    public Bytes(int height, int width, int channels, byte[] data) {
        int size = Check.size(height, width, channels);
        if (data.length != size) {
            throw Check.refusal("found %d bytes for %d x %d x %d; expected %d",
                data.length, height, width, channels, size);
        }
        this.height = height;
        this.width = width;
        this.channels = channels;
        this.data = data;
    }

    /**
     * From the pixels of an Android bitmap ({@code Bitmap.getPixels}).
     *
     * @param height rows, at least 1
     * @param width columns, at least 1
     * @param argb height * width colours 0xAARRGGBB; alpha is ignored
     * @return (height, width, 3) RGB
     * @throws IllegalArgumentException an empty array, or one of another length
     */
    public static Bytes fromArgb(int height, int width, int[] argb) {
        Bytes made = new Bytes(height, width, 3);
        if (argb.length != height * width) {
            throw Check.refusal(
                "found %d colours for %d x %d; expected %d", argb.length, height, width, height * width);
        }
        for (int i = 0, at = 0; i < argb.length; i++) {
            made.data[at++] = (byte) (argb[i] >> 16);
            made.data[at++] = (byte) (argb[i] >> 8);
            made.data[at++] = (byte) argb[i];
        }
        return made;
    }

    /**
     * For {@code Bitmap.setPixels}.
     *
     * @return height * width colours 0xFFRRGGBB
     * @throws IllegalArgumentException these are no RGB pixels
     */
    public int[] toArgb() {
        Check.channels("the picture", channels, 3);
        int[] argb = new int[height * width];
        for (int i = 0, at = 0; i < argb.length; i++, at += 3) {
            argb[i] = 0xFF << 24 | (data[at] & 255) << 16 | (data[at + 1] & 255) << 8 | data[at + 2] & 255;
        }
        return argb;
    }

    /**
     * The bytes for a model.
     *
     * @return a direct buffer, a copy
     */
    public ByteBuffer toBuffer() {
        ByteBuffer buffer = ByteBuffer.allocateDirect(data.length).order(ByteOrder.nativeOrder());
        buffer.put(data);
        buffer.rewind();
        return buffer;
    }

    /**
     * A part of the array.
     *
     * @param top first row
     * @param left first column
     * @param height rows, at least 1
     * @param width columns, at least 1
     * @return (height, width, channels), a copy
     * @throws IllegalArgumentException the part does not lie inside
     */
    public Bytes crop(int top, int left, int height, int width) {
        Check.inside(top, left, height, width, this.height, this.width);
        Bytes made = new Bytes(height, width, channels);
        for (int y = 0; y < height; y++) {
            System.arraycopy(data, ((top + y) * this.width + left) * channels, made.data, y * width * channels,
                width * channels);
        }
        return made;
    }

    /** With the rim repeated on four sides; a copy. */
    Bytes extended(int above, int before, int below, int after) {
        Bytes made = new Bytes(above + height + below, before + width + after, channels);
        for (int y = 0; y < made.height; y++) {
            int row = Math.min(Math.max(y - above, 0), height - 1);
            for (int x = 0; x < made.width; x++) {
                int column = Math.min(Math.max(x - before, 0), width - 1);
                System.arraycopy(data, (row * width + column) * channels, made.data, (y * made.width + x) * channels,
                    channels);
            }
        }
        return made;
    }

    Bytes copy() {
        return new Bytes(height, width, channels, Arrays.copyOf(data, data.length));
    }
}
