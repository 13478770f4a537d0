package io.github.portraitlite.camera;

/** A connected part of the mask; people who touch in the picture are one. */
public final class Figure {
    private static final double RIM = 0.02; // of the photo's height; one that ends so near to the lower rim is cut off

    /** As a fraction of the photo's width, 0..1. */
    public final double left;
    /** As a fraction of the photo's height, 0..1. */
    public final double top;
    /** As a fraction of the photo's width, 0..1. */
    public final double right;
    /** As a fraction of the photo's height, 0..1. */
    public final double bottom;
    /** Of the photo's area, 0..1. */
    public final double share;
    /** Whether it stays sharp. */
    public final boolean kept;

    Figure(double left, double top, double right, double bottom, double share, boolean kept) {
        this.left = left;
        this.top = top;
        this.right = right;
        this.bottom = bottom;
        this.share = share;
        this.kept = kept;
    }

    /**
     * How tall it is.
     *
     * @return as a fraction of the photo's height, 0..1
     */
    public double height() {
        return bottom - top;
    }

    /** Whether the photo shows where it stands: `bottom`. */
    boolean hasFeet() {
        return bottom < 1 - RIM;
    }

    Figure withKept(boolean keep) {
        return new Figure(left, top, right, bottom, share, keep);
    }
}
