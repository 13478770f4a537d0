package io.github.portraitlite.camera;

import java.util.Locale;

/**
 * The numbers that fix one set of blur graphs, as far as a phone needs them; they are in {@code spec.json} beside the
 * graphs.
 */
public final class BlurSpec {
    /** Long side of the plan grid, in plan pixels. */
    public final int longSide;
    /** Short side of the plan grid, in plan pixels. */
    public final int shortSide;
    /** Photo pixels of one tile before rounding to multiples of the scale. */
    public final int tileHeight;
    /** Photo pixels of one tile before rounding to multiples of the scale. */
    public final int tileWidth;
    /** Disc radius of the strongest layer, in plan pixels. */
    public final double maxRadius;
    /** Number of disc radii in the plan graph. */
    public final int layers;
    /** Of the grain's tile. */
    public final int noiseSeed;
    private final int[] scales;

    /**
     * Of other graphs than the bundled ones.
     *
     * @param longSide in plan pixels
     * @param shortSide in plan pixels, at most longSide
     * @param scales photo pixels per plan pixel for which graphs exist, ascending
     * @param tileHeight in photo pixels, more than half the largest scale
     * @param tileWidth in photo pixels, more than half the largest scale
     * @param maxRadius in plan pixels
     * @param layers number of disc radii, at least 2
     * @param noiseSeed any number
     * @throws IllegalArgumentException numbers that fit no graphs
     */
    public BlurSpec(
            int longSide,
            int shortSide,
            int[] scales,
            int tileHeight,
            int tileWidth,
            double maxRadius,
            int layers,
            int noiseSeed) {
        if (shortSide < 1 || longSide < shortSide || layers < 2 || !(maxRadius > 0)) {
            throw Check.refusal(
                "found a plan of %d x %d with %d layers up to radius %s; expected sides from 1 up, the long one first, "
                    + "2 layers and a radius", longSide, shortSide, layers, maxRadius);
        }
        int last = 0;
        for (int scale : scales) {
            if (scale <= last) {
                throw Check.refusal("found scale %d after %d; expected ascending scales", scale, last);
            }
            last = scale;
        }
        if (last == 0 || Math.min(tileHeight, tileWidth) <= last / 2) {
            throw Check.refusal(
                "found tiles of %d x %d for scales up to %d; expected scales, and sides of more than half the largest",
                tileWidth, tileHeight, last);
        }
        this.longSide = longSide;
        this.shortSide = shortSide;
        this.scales = scales.clone();
        this.tileHeight = tileHeight;
        this.tileWidth = tileWidth;
        this.maxRadius = maxRadius;
        this.layers = layers;
        this.noiseSeed = noiseSeed;
    }

    /**
     * Of the graphs that portraitlite ships.
     *
     * @return the spec
     */
    public static BlurSpec bundled() {
        int[] scales = {1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48};
        return new BlurSpec(504, 378, scales, 128, 128, 10.0, 5, 1);
    }

    /**
     * Photo pixels per plan pixel for which graphs exist.
     *
     * @return ascending, a copy
     */
    public int[] scales() {
        return scales.clone();
    }

    /**
     * Rows of a tile.
     *
     * @param scale photo pixels per plan pixel
     * @return in photo pixels, a multiple of the scale
     */
    public int tileHeight(int scale) {
        return (int) Math.rint((double) tileHeight / scale) * scale;
    }

    /**
     * Columns of a tile.
     *
     * @param scale photo pixels per plan pixel
     * @return in photo pixels, a multiple of the scale
     */
    public int tileWidth(int scale) {
        return (int) Math.rint((double) tileWidth / scale) * scale;
    }

    /** Plan rows that one tile reads: its own and one more on both sides. */
    int planTileHeight(int scale) {
        return tileHeight(scale) / scale + 2;
    }

    /** Plan columns that one tile reads: its own and one more on both sides. */
    int planTileWidth(int scale) {
        return tileWidth(scale) / scale + 2;
    }

    int planHeight(Orientation orientation) {
        return orientation == Orientation.LANDSCAPE ? shortSide : longSide;
    }

    int planWidth(Orientation orientation) {
        return orientation == Orientation.LANDSCAPE ? longSide : shortSide;
    }

    /** Disc radius at strength 1 as a share of the photo's diagonal. */
    double radiusShare() {
        return maxRadius / Math.hypot(longSide, shortSide);
    }

    /**
     * The plan graph for some levels.
     *
     * @param orientation of the plan
     * @param nearest what {@link Levels#nearestLayer} says; -1 is the graph for all levels
     * @return name of the file
     */
    public static String planFile(Orientation orientation, int nearest) {
        String levels = nearest < 0 ? "" : "_" + nearest + "to" + (nearest + 1);
        return "plan_" + orientation.name().toLowerCase(Locale.ROOT) + levels + ".tflite";
    }

    /**
     * The graph that blurs a tile.
     *
     * @param scale photo pixels per plan pixel
     * @return name of the file; pixels are uint8
     */
    public static String applyFile(int scale) {
        return "apply_s" + scale + "_uint8.tflite";
    }

    /**
     * The graph that makes a tile of background alone.
     *
     * @param scale photo pixels per plan pixel
     * @return name of the file; pixels are uint8
     */
    public static String fillFile(int scale) {
        return "fill_s" + scale + "_uint8.tflite";
    }
}
