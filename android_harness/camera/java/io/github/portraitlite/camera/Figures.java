package io.github.portraitlite.camera;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/** Figures of a mask: the connected parts that a subject can be chosen from, cleaned of specks and doubtful holes. */
public final class Figures {
    static final int INSIDE = 128; // a sample that belongs to a figure rather than not
    static final int SOFT_RIM = 26; // below this confidence the blur graphs make nothing of a sample
    private static final double SPECK_SHARE = 0.005; // of the largest figure's area
    private static final double HOLE_SHARE = 0.01; // of all figures' area; larger holes stay
    private static final int HOLE_DOUBT = 32; // a hole with a sample below this confidence is background

    /** Row by row, whose each sample is: 0 nobody's, n with the soft rim of figure n - 1, -1 on specks. */
    public final int[] labels;
    /** Largest first. */
    public final List<Figure> figures;

    private Figures(int[] labels, List<Figure> figures) {
        this.labels = labels;
        this.figures = Collections.unmodifiableList(figures);
    }

    /**
     * Small holes of doubtful confidence become 255, with the samples around them, but those of the outer edge.
     *
     * @param values (h, w, 1) confidence, only the part that shows the photo
     * @return (h, w, 1), a new array
     * @throws IllegalArgumentException several channels
     */
    public static Bytes fillHoles(Bytes values) {
        Check.channels("the mask", values.channels, 1);
        int height = values.height;
        int width = values.width;
        boolean[] outside = below(values, INSIDE);
        int[] labels = Components.componentLabels(outside, height, width, false);
        int[] area = areas(labels);
        int[] lowest = new int[area.length];
        boolean[] hole = new boolean[area.length];
        Arrays.fill(lowest, 255);
        for (int at = 0; at < labels.length; at++) {
            lowest[labels[at]] = Math.min(lowest[labels[at]], values.data[at] & 255);
        }
        for (int label = 1; label < area.length; label++) {
            // area[0] is that of all figures together.
            hole[label] = area[label] <= HOLE_SHARE * area[0] && lowest[label] >= HOLE_DOUBT;
        }
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                if (y == 0 || x == 0 || y == height - 1 || x == width - 1) {
                    hole[labels[y * width + x]] = false;
                }
            }
        }
        boolean[] holes = new boolean[labels.length];
        boolean[] background = new boolean[labels.length];
        for (int at = 0; at < labels.length; at++) {
            holes[at] = hole[labels[at]];
            background[at] = outside[at] && !holes[at];
        }
        boolean[] around = Components.dilate(holes, height, width, 1);
        boolean[] edge = Components.dilate(background, height, width, 1);
        Bytes filled = values.copy();
        for (int at = 0; at < labels.length; at++) {
            if (holes[at] || around[at] && !edge[at]) {
                filled.data[at] = (byte) 255;
            }
        }
        return filled;
    }

    /**
     * The figures of a mask, and whose each sample is.
     *
     * @param values (h, w, 1) confidence, only the part that shows the photo
     * @return the figures, all kept
     * @throws IllegalArgumentException several channels
     */
    public static Figures findFigures(Bytes values) {
        Check.channels("the mask", values.channels, 1);
        int height = values.height;
        int width = values.width;
        int[] labels = Components.componentLabels(not(below(values, INSIDE)), height, width, true);
        int[] area = areas(labels);
        List<Integer> order = new ArrayList<>();
        for (int label = 1; label < area.length; label++) {
            order.add(label);
        }
        order.sort((one, other) -> Integer.compare(area[other], area[one])); // stable
        int[] number = new int[area.length];
        List<Figure> figures = new ArrayList<>();
        for (int label : order) {
            if (area[label] >= SPECK_SHARE * area[order.get(0)]) {
                figures.add(figure(labels, label, area[label], height, width));
                number[label] = figures.size();
            } else {
                number[label] = -1;
            }
        }
        int[] grown = Components.growLabels(labels, not(below(values, SOFT_RIM)), height, width);
        for (int at = 0; at < grown.length; at++) {
            grown[at] = number[grown[at]];
        }
        return new Figures(grown, figures);
    }

    private static Figure figure(int[] labels, int label, int area, int height, int width) {
        int left = width;
        int top = height;
        int right = 0;
        int bottom = 0;
        for (int at = 0; at < labels.length; at++) {
            if (labels[at] == label) {
                left = Math.min(left, at % width);
                right = Math.max(right, at % width + 1);
                top = Math.min(top, at / width);
                bottom = at / width + 1;
            }
        }
        return new Figure((double) left / width, (double) top / height, (double) right / width,
            (double) bottom / height, (double) area / labels.length, true);
    }

    static boolean[] below(Bytes values, int limit) {
        boolean[] made = new boolean[values.data.length];
        for (int at = 0; at < made.length; at++) {
            made[at] = (values.data[at] & 255) < limit;
        }
        return made;
    }

    static boolean[] not(boolean[] mask) {
        boolean[] made = new boolean[mask.length];
        for (int at = 0; at < made.length; at++) {
            made[at] = !mask[at];
        }
        return made;
    }

    private static int[] areas(int[] labels) {
        int count = 0;
        for (int label : labels) {
            count = Math.max(count, label);
        }
        int[] area = new int[count + 1];
        for (int label : labels) {
            area[label]++;
        }
        return area;
    }
}
