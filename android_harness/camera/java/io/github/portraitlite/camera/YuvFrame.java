package io.github.portraitlite.camera;

import java.nio.ByteBuffer;

/**
 * A camera frame in YUV 4:2:0 with 8 bits a sample, in any of its memory layouts (Android's YUV_420_888, NV21, NV12,
 * I420).
 *
 * <p>Colours are those of JPEG: BT.601, full range, as Android's cameras deliver them. A chroma sample counts for the
 * 2 x 2 pixels that it covers. With u and v less 128, {@code >>} rounding down and the results clipped to 0..255:
 *
 * <pre>
 * R = y + ((                91881 * v + 32768) &gt;&gt; 16)
 * G = y + ((-22554 * u -    46802 * v + 32768) &gt;&gt; 16)
 * B = y + ((116130 * u                + 32768) &gt;&gt; 16)
 * </pre>
 */
public final class YuvFrame {
    /** One plane: where its samples lie in memory. */
    public static final class Plane {
        private final ByteBuffer buffer;
        private final int rowStride;
        private final int pixelStride;

        /**
         * As {@code Image.Plane} tells it.
         *
         * @param buffer counted from index 0 to the limit, wherever another reader left its position; not changed
         * @param rowStride bytes from a row to the next
         * @param pixelStride bytes from a sample to the next, at least 1
         */
        public Plane(ByteBuffer buffer, int rowStride, int pixelStride) {
            this.buffer = buffer.duplicate();
            this.rowStride = rowStride;
            this.pixelStride = pixelStride;
        }

        private void check(String name, int rows, int columns) {
            if (pixelStride < 1) {
                throw Check.refusal("plane %s has pixel stride %d; expected at least 1", name, pixelStride);
            }
            long row = (long) (columns - 1) * pixelStride + 1;
            if (rowStride < row) {
                throw Check.refusal(
                    "plane %s has row stride %d; expected at least %d for %d samples of pixel stride %d",
                    name, rowStride, row, columns, pixelStride);
            }
            // The last row ends with its last sample: cameras leave out what would fill its stride.
            long least = (long) (rows - 1) * rowStride + row;
            if (buffer.limit() < least) {
                throw Check.refusal("plane %s has %d bytes; expected at least %d for %d rows of stride %d",
                    name, buffer.limit(), least, rows, rowStride);
            }
        }

        /** Samples first..first + count - 1 of a row; `scratch` holds a row's bytes. */
        private void read(int row, int first, int count, byte[] scratch, byte[] samples) {
            int length = (count - 1) * pixelStride + 1;
            ByteBuffer view = buffer.duplicate(); // so that threads may share a frame
            view.position(row * rowStride + first * pixelStride);
            if (pixelStride == 1) {
                view.get(samples, 0, count);
                return;
            }
            view.get(scratch, 0, length);
            for (int i = 0, at = 0; i < count; i++, at += pixelStride) {
                samples[i] = scratch[at];
            }
        }

        private byte[] scratch(int count) {
            return new byte[pixelStride == 1 ? 0 : (count - 1) * pixelStride + 1];
        }
    }

    /** Rows of pixels. */
    public final int height;
    /** Columns of pixels. */
    public final int width;
    private final Plane y;
    private final Plane u;
    private final Plane v;

    /**
     * A frame whose planes stay where they are; they are read when pixels are asked for.
     *
     * @param height rows of pixels, odd ones too
     * @param width columns of pixels, odd ones too
     * @param y (height, width) luma
     * @param u (height / 2, width / 2) blue difference, rounded up
     * @param v (height / 2, width / 2) red difference, rounded up
     * @throws IllegalArgumentException no pixels, a stride that is shorter than a row, or a buffer that is too short
     */
    public YuvFrame(int height, int width, Plane y, Plane u, Plane v) {
        Check.size(height, width, 3);
        y.check("Y", height, width);
        u.check("U", half(height), half(width));
        v.check("V", half(height), half(width));
        this.height = height;
        this.width = width;
        this.y = y;
        this.u = u;
        this.v = v;
    }

    /**
     * Android's old camera format: luma, then V and U by turns.
     *
     * @param height rows of pixels
     * @param width columns of pixels
     * @param data the whole frame without gaps, from index 0
     * @return the frame
     * @throws IllegalArgumentException no pixels, or too few bytes
     */
    public static YuvFrame nv21(int height, int width, ByteBuffer data) {
        int luma = lumaOf(height, width, data);
        int stride = 2 * half(width);
        return new YuvFrame(height, width, new Plane(data, width, 1), new Plane(from(data, luma + 1), stride, 2),
            new Plane(from(data, luma), stride, 2));
    }

    /**
     * Luma, then U and V by turns.
     *
     * @param height rows of pixels
     * @param width columns of pixels
     * @param data the whole frame without gaps, from index 0
     * @return the frame
     * @throws IllegalArgumentException no pixels, or too few bytes
     */
    public static YuvFrame nv12(int height, int width, ByteBuffer data) {
        int luma = lumaOf(height, width, data);
        int stride = 2 * half(width);
        return new YuvFrame(height, width, new Plane(data, width, 1), new Plane(from(data, luma), stride, 2),
            new Plane(from(data, luma + 1), stride, 2));
    }

    /**
     * Luma, then all of U, then all of V.
     *
     * @param height rows of pixels
     * @param width columns of pixels
     * @param data the whole frame without gaps, from index 0
     * @return the frame
     * @throws IllegalArgumentException no pixels, or too few bytes
     */
    public static YuvFrame i420(int height, int width, ByteBuffer data) {
        int luma = lumaOf(height, width, data);
        int chroma = half(height) * half(width);
        return new YuvFrame(height, width, new Plane(data, width, 1), new Plane(from(data, luma), half(width), 1),
            new Plane(from(data, luma + chroma), half(width), 1));
    }

    /**
     * The whole frame in colour.
     *
     * @return (height, width, 3) RGB
     */
    public Bytes toRgb() {
        return toRgb(0, 0, height, width);
    }

    /**
     * A part of the frame in colour, for instance the crop that a camera library asks for.
     *
     * @param top first row, in pixels of the frame as the camera delivers it (before any rotation)
     * @param left first column
     * @param height rows, at least 1
     * @param width columns, at least 1
     * @return (height, width, 3) RGB, the same as that part of the whole frame
     * @throws IllegalArgumentException the part does not lie inside the frame
     */
    public Bytes toRgb(int top, int left, int height, int width) {
        Check.inside(top, left, height, width, this.height, this.width);
        Bytes rgb = new Bytes(height, width, 3);
        int first = left / 2;
        int chroma = (left + width - 1) / 2 - first + 1;
        byte[] lumas = new byte[width];
        byte[] blues = new byte[chroma];
        byte[] reds = new byte[chroma];
        byte[] lumaScratch = y.scratch(width);
        byte[] blueScratch = u.scratch(chroma);
        byte[] redScratch = v.scratch(chroma);
        int at = 0;
        for (int row = top; row < top + height; row++) {
            y.read(row, left, width, lumaScratch, lumas);
            if (row == top || row % 2 == 0) {
                u.read(row / 2, first, chroma, blueScratch, blues);
                v.read(row / 2, first, chroma, redScratch, reds);
            }
            for (int x = 0; x < width; x++) {
                int luma = lumas[x] & 255;
                int blue = (blues[(left + x) / 2 - first] & 255) - 128;
                int red = (reds[(left + x) / 2 - first] & 255) - 128;
                rgb.data[at++] = clipped(luma + (91881 * red + 32768 >> 16));
                rgb.data[at++] = clipped(luma + (-22554 * blue - 46802 * red + 32768 >> 16));
                rgb.data[at++] = clipped(luma + (116130 * blue + 32768 >> 16));
            }
        }
        return rgb;
    }

    private static byte clipped(int value) {
        return (byte) Math.min(255, Math.max(0, value));
    }

    private static int half(int side) {
        return side / 2 + side % 2;
    }

    private static int lumaOf(int height, int width, ByteBuffer data) {
        int luma = Check.size(height, width, 1);
        long expected = luma + 2L * half(height) * half(width);
        if (data.limit() < expected) {
            throw Check.refusal("the frame has %d bytes; expected %d for %d x %d pixels",
                data.limit(), expected, width, height);
        }
        return luma;
    }

    private static ByteBuffer from(ByteBuffer data, int index) {
        ByteBuffer view = data.duplicate();
        view.position(index);
        return view.slice();
    }
}
