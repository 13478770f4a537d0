package io.github.portraitlite.camera;

/** From a disc radius to the level of the plan graph's layer bank. */
public final class Levels {
    private Levels() {}

    /**
     * The mix of the two neighbouring discs whose mean square radius is right.
     *
     * @param radius in plan pixels, 0 to the spec's largest
     * @param spec of the graphs
     * @return in layers, 0 to the last one
     */
    public static float levelOfRadius(double radius, BlurSpec spec) {
        double step = spec.maxRadius / (spec.layers - 1);
        double below = Math.min(Math.max(Math.floor(radius / step), 0), spec.layers - 2);
        double near = below * step;
        double far = (below + 1) * step;
        double share = Math.min(Math.max((radius * radius - near * near) / (far * far - near * near), 0), 1);
        // Root of u^2 / (u^2 + 1 - u) = share, in the form that divides by nothing small.
        double bent = 2 * Math.sqrt(share) / (Math.sqrt(4 - 3 * share) + Math.sqrt(share));
        return (float) (below + bent);
    }

    /**
     * Whether two neighbouring layers of the bank suffice, so that a faster plan graph serves.
     *
     * @param levels of the whole plan
     * @param spec of the graphs
     * @return the k for which all levels lie in k..k+1; -1: there is none
     */
    public static int nearestLayer(Floats levels, BlurSpec spec) {
        float smallest = levels.data[0];
        float largest = levels.data[0];
        for (float level : levels.data) {
            smallest = Math.min(smallest, level);
            largest = Math.max(largest, level);
        }
        int nearest = Math.min((int) Math.floor(smallest), spec.layers - 2);
        return largest <= nearest + 1 ? nearest : -1;
    }
}
