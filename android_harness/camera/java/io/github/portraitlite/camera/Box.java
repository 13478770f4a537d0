package io.github.portraitlite.camera;

/**
 * Where a photo lies in a map: its rim in the map's pixel-edge coordinates, where 0 is the outer edge of the first
 * sample.
 */
public final class Box {
    /** Edge of the photo, in samples of the map. */
    public final double left;
    /** Edge of the photo, in samples of the map. */
    public final double top;
    /** Edge of the photo, in samples of the map. */
    public final double right;
    /** Edge of the photo, in samples of the map. */
    public final double bottom;

    /**
     * A box of any size; it may reach beyond the map.
     *
     * @param left in samples
     * @param top in samples
     * @param right in samples, more than left
     * @param bottom in samples, more than top
     * @throws IllegalArgumentException an empty box, or an edge that is no finite number
     */
    public Box(double left, double top, double right, double bottom) {
        // NaN fails every comparison; the differences of infinities are NaN or infinite.
        if (!(right - left > 0 && bottom - top > 0 && right - left < 1e9 && bottom - top < 1e9)) {
            throw Check.refusal("the box is %s, %s, %s, %s; expected left < right and top < bottom in samples",
                left, top, right, bottom);
        }
        this.left = left;
        this.top = top;
        this.right = right;
        this.bottom = bottom;
    }

    /** The whole of a map. */
    static Box of(int height, int width) {
        return new Box(0, 0, width, height);
    }
}
