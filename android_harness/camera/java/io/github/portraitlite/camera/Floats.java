package io.github.portraitlite.camera;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** A (height, width, channels) array of 32-bit floats, row by row: scores, confidences, a plan. */
public final class Floats {
    /** Rows. */
    public final int height;
    /** Columns. */
    public final int width;
    /** Values per pixel; those of a pixel lie beside each other. */
    public final int channels;
    /** All values. */
    public final float[] data;

    /**
     * All zeros.
     *
     * @param height rows, at least 1
     * @param width columns, at least 1
     * @param channels values per pixel, at least 1
     * @throws IllegalArgumentException an empty array, or one of 2^31 values or more
     */
    public Floats(int height, int width, int channels) {
        this(height, width, channels, new float[Check.size(height, width, channels)]);
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
    public Floats(int height, int width, int channels, float[] data) {
        int size = Check.size(height, width, channels);
        if (data.length != size) {
            throw Check.refusal("found %d floats for %d x %d x %d; expected %d",
                data.length, height, width, channels, size);
        }
        this.height = height;
        this.width = width;
        this.channels = channels;
        this.data = data;
    }

    /**
     * What a model with a float output wrote.
     *
     * @param buffer height * width * channels floats in native byte order, from index 0 to the limit
     * @param height rows, at least 1
     * @param width columns, at least 1
     * @param channels values per pixel, at least 1
     * @return a copy
     * @throws IllegalArgumentException the buffer has another size
     */
    public static Floats fromBuffer(ByteBuffer buffer, int height, int width, int channels) {
        Floats made = new Floats(height, width, channels);
        if (buffer.limit() != 4L * made.data.length) {
            throw Check.refusal("found a buffer of %d bytes for %d x %d x %d floats; expected %d",
                buffer.limit(), height, width, channels, 4L * made.data.length);
        }
        ByteBuffer view = buffer.duplicate();
        view.rewind();
        view.order(ByteOrder.nativeOrder()).asFloatBuffer().get(made.data);
        return made;
    }

    /**
     * What a model with a quantized output wrote: (value - zeroPoint) * scale.
     *
     * @param buffer height * width * channels bytes, from index 0 to the limit
     * @param height rows, at least 1
     * @param width columns, at least 1
     * @param channels values per pixel, at least 1
     * @param signed whether the output is int8; otherwise it is uint8
     * @param scale of the output tensor
     * @param zeroPoint of the output tensor
     * @return a copy
     * @throws IllegalArgumentException the buffer has another size
     */
    public static Floats dequantized(
            ByteBuffer buffer, int height, int width, int channels, boolean signed, float scale, int zeroPoint) {
        Floats made = new Floats(height, width, channels);
        if (buffer.limit() != made.data.length) {
            throw Check.refusal("found a buffer of %d bytes for %d x %d x %d; expected %d",
                buffer.limit(), height, width, channels, made.data.length);
        }
        for (int i = 0; i < made.data.length; i++) {
            int value = signed ? buffer.get(i) : buffer.get(i) & 255;
            made.data[i] = (value - zeroPoint) * scale;
        }
        return made;
    }

    /**
     * The floats for a model.
     *
     * @return a direct buffer in native byte order, a copy
     */
    public ByteBuffer toBuffer() {
        if (data.length > Integer.MAX_VALUE / 4) {
            throw Check.refusal("found %d floats; expected at most %d in a buffer", data.length, Integer.MAX_VALUE / 4);
        }
        ByteBuffer buffer = ByteBuffer.allocateDirect(4 * data.length).order(ByteOrder.nativeOrder());
        buffer.asFloatBuffer().put(data);
        return buffer;
    }
}
