package io.github.portraitlite.camera;

/** How a photo lies on the plan grid. */
public final class PlanChoice {
    /** Photo pixels per plan pixel. */
    public final int scale;
    /** Which plan graph. */
    public final Orientation orientation;
    /** Rows of its grid. */
    public final int planHeight;
    /** Columns of its grid. */
    public final int planWidth;
    /** Plan rows that the photo covers from the top. */
    public final int usedHeight;
    /** Plan columns that the photo covers from the left. */
    public final int usedWidth;

    private PlanChoice(
            int scale, Orientation orientation, int planHeight, int planWidth, int usedHeight, int usedWidth) {
        this.scale = scale;
        this.orientation = orientation;
        this.planHeight = planHeight;
        this.planWidth = planWidth;
        this.usedHeight = usedHeight;
        this.usedWidth = usedWidth;
    }

    /**
     * The smallest scale at which a photo fits a plan, in either orientation. Where both fit, the photo's own is taken
     * (landscape for a square).
     *
     * @param height rows of the photo
     * @param width columns of the photo
     * @param spec of the graphs
     * @return the choice
     * @throws IllegalArgumentException the photo is empty, or larger than the largest scale can take
     */
    public static PlanChoice chooseScale(int height, int width, BlurSpec spec) {
        Check.size(height, width, 3);
        Orientation own = height > width ? Orientation.PORTRAIT : Orientation.LANDSCAPE;
        Orientation other = height > width ? Orientation.LANDSCAPE : Orientation.PORTRAIT;
        int last = 0;
        for (int scale : spec.scales()) {
            last = scale;
            int usedHeight = AreaReduce.blocks(height, scale);
            int usedWidth = AreaReduce.blocks(width, scale);
            for (Orientation orientation : new Orientation[] {own, other}) {
                int planHeight = spec.planHeight(orientation);
                int planWidth = spec.planWidth(orientation);
                if (usedHeight <= planHeight && usedWidth <= planWidth) {
                    return new PlanChoice(scale, orientation, planHeight, planWidth, usedHeight, usedWidth);
                }
            }
        }
        throw Check.refusal("the photo has %d x %d pixels; expected at most %d x %d in either orientation",
            width, height, spec.longSide * last, spec.shortSide * last);
    }

    /**
     * Disc radius: the same share of the photo's diagonal whatever its size and shape.
     *
     * @param height rows of the photo
     * @param width columns of the photo
     * @param strength 0..1
     * @param spec of the graphs
     * @return in plan pixels
     */
    public double discRadius(int height, int width, double strength, BlurSpec spec) {
        return strength * spec.radiusShare() * Math.hypot(height, width) / scale;
    }
}
