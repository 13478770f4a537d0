package io.github.portraitlite.camera;

import java.util.Arrays;

/** Connected components of small masks. Maps are arrays of height * width values, row by row. */
public final class Components {
    private static final double GROWTH = 1.0 / 12; // bounds the time; soft rims are narrower
    private static final int FREE = Integer.MAX_VALUE;

    private Components() {}

    /**
     * Numbers the connected parts of a mask.
     *
     * @param mask height * width flags
     * @param height rows
     * @param width columns
     * @param diagonal whether samples that touch at a corner are connected (8 neighbours) or not (4)
     * @return height * width numbers: 0 where the mask is not set, and 1..n in the order of each part's first sample
     * @throws IllegalArgumentException the mask has another size
     */
    public static int[] componentLabels(boolean[] mask, int height, int width, boolean diagonal) {
        check(mask.length, height, width);
        int[] root = new int[mask.length];
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                int at = y * width + x;
                root[at] = at;
                if (!mask[at]) {
                    continue;
                }
                if (x > 0 && mask[at - 1]) {
                    join(root, at, at - 1);
                }
                for (int dx = diagonal ? -1 : 0; y > 0 && dx <= (diagonal ? 1 : 0); dx++) {
                    if (x + dx >= 0 && x + dx < width && mask[at - width + dx]) {
                        join(root, at, at - width + dx);
                    }
                }
            }
        }
        int[] labels = new int[mask.length];
        int count = 0;
        for (int at = 0; at < mask.length; at++) {
            if (mask[at]) {
                // A root is its part's lowest sample, so it has its number before the others ask for it.
                int lowest = find(root, at);
                labels[at] = lowest == at ? ++count : labels[lowest];
            }
        }
        return labels;
    }

    /**
     * Extends numbered parts over neighbouring samples, all parts equally fast. A sample that two parts reach at once
     * goes to the one with the lower number. What no part reaches in 1/12 of the longer side stays 0.
     *
     * @param labels height * width numbers, 0 = free
     * @param where height * width flags: samples that may be taken
     * @param height rows
     * @param width columns
     * @return height * width numbers, a new array
     * @throws IllegalArgumentException an array has another size
     */
    public static int[] growLabels(int[] labels, boolean[] where, int height, int width) {
        check(labels.length, height, width);
        check(where.length, height, width);
        int[] grown = new int[labels.length];
        for (int at = 0; at < labels.length; at++) {
            grown[at] = labels[at] > 0 ? labels[at] : FREE;
        }
        int rounds = (int) Math.ceil(GROWTH * Math.max(height, width));
        boolean taken = true;
        for (int round = 0; round < rounds && taken; round++) {
            taken = false;
            int[] before = Arrays.copyOf(grown, grown.length);
            for (int at = 0; at < grown.length; at++) {
                if (where[at] && before[at] == FREE) {
                    int x = at % width;
                    int nearest = Math.min(at >= width ? before[at - width] : FREE,
                        at + width < before.length ? before[at + width] : FREE);
                    nearest = Math.min(nearest, x > 0 ? before[at - 1] : FREE);
                    grown[at] = Math.min(nearest, x + 1 < width ? before[at + 1] : FREE);
                    taken |= grown[at] != FREE;
                }
            }
        }
        for (int at = 0; at < grown.length; at++) {
            grown[at] = grown[at] == FREE ? 0 : grown[at];
        }
        return grown;
    }

    /** Samples that lie at most `reach` rows and columns from a set one. */
    static boolean[] dilate(boolean[] mask, int height, int width, int reach) {
        boolean[] wide = new boolean[mask.length];
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                for (int at = Math.max(0, x - reach); at <= Math.min(width - 1, x + reach); at++) {
                    wide[y * width + x] |= mask[y * width + at];
                }
            }
        }
        boolean[] made = new boolean[mask.length];
        for (int y = 0; y < height; y++) {
            for (int row = Math.max(0, y - reach); row <= Math.min(height - 1, y + reach); row++) {
                for (int x = 0; x < width; x++) {
                    made[y * width + x] |= wide[row * width + x];
                }
            }
        }
        return made;
    }

    private static void check(int length, int height, int width) {
        if (length != Check.size(height, width, 1)) {
            throw Check.refusal("found %d samples for %d x %d; expected %d", length, height, width, height * width);
        }
    }

    private static void join(int[] root, int a, int b) {
        int one = find(root, a);
        int other = find(root, b);
        root[Math.max(one, other)] = Math.min(one, other);
    }

    private static int find(int[] root, int at) {
        int lowest = at;
        while (root[lowest] != lowest) {
            root[lowest] = root[root[lowest]]; // shortens the way for the next one
            lowest = root[lowest];
        }
        return lowest;
    }
}
