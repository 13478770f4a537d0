package io.github.portraitlite.camera;

/** The triangle filter of one pass of {@link PillowBilinear}: what every output takes from which samples. */
final class Weights {
    static final int PRECISION_BITS = 22;

    /** First sample of every output. */
    final int[] first;
    /** Weights of every output's samples, of sum 1. */
    final double[][] exact;
    /** The same times 2^22, rounded. */
    final int[][] fixed;

    /** Of `size` outputs over the samples start..end of `source`. */
    Weights(int size, int source, double start, double end) {
        first = new int[size];
        exact = new double[size][];
        fixed = new int[size][];
        // Pillow keeps the box in single precision, and the difference of its edges too; all that follows is in double.
        double begin = (float) start;
        double step = (double) ((float) end - (float) start) / size;
        double reach = Math.max(step, 1); // half the triangle's base: wider than a sample when shrinking
        double slope = 1 / reach;
        for (int i = 0; i < size; i++) {
            double centre = begin + (i + 0.5) * step;
            int from = Math.max(0, (int) (centre - reach + 0.5));
            int to = Math.min(source, (int) (centre + reach + 0.5));
            double[] row = new double[to - from];
            double total = 0;
            for (int k = 0; k < row.length; k++) {
                row[k] = Math.max(0, 1 - Math.abs((from + k - centre + 0.5) * slope));
                total += row[k];
            }
            int[] rounded = new int[row.length];
            for (int k = 0; k < row.length; k++) {
                row[k] /= total;
                rounded[k] = (int) (0.5 + row[k] * (1 << PRECISION_BITS));
            }
            first[i] = from;
            exact[i] = row;
            fixed[i] = rounded;
        }
    }
}
