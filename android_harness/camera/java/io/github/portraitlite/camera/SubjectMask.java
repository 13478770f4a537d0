package io.github.portraitlite.camera;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/** Confidence that a sample belongs to the subject. */
public final class SubjectMask {
    private static final double MIN_SHARE = 0.005; // a subject fills at least this share of the photo; less is noise
    private static final List<String> HELD_LABELS = Collections.unmodifiableList(
        Arrays.asList("bottle", "bicycle", "motorbike", "horse", "cat", "dog", "bird"));
    private static final double FOCUS_REACH = 0.1; // of the diagonal: a point farther from everybody means nobody
    private static final double NEAR_HEIGHT = 0.5; // of the reference's height: at most about twice as far away
    private static final double SAME_GROUND = 0.1; // of its height: feet at most this much higher stand beside it
    private static final int TOUCH_SAMPLES = 2; // between a person and the thing in their hand

    /** (h, w, 1) 0..255 at network size, 255 = subject. */
    public final Bytes values;
    /** The photo's rim in pixel-edge coordinates of the values. */
    public final Box box;
    /** Share of the photo's area where the confidence is at least one half, 0..1. */
    public final double share;
    /** Everybody of the class, largest first, kept or not. */
    public final List<Figure> figures;

    private SubjectMask(Bytes values, Box box, double share, List<Figure> figures) {
        this.values = values;
        this.box = box;
        this.share = share;
        this.figures = Collections.unmodifiableList(figures);
    }

    /**
     * Whether there is a subject at all.
     *
     * @return false where it fills less than 0.5 % of the photo
     */
    public boolean found() {
        return share >= MIN_SHARE;
    }

    /**
     * Chooses, drops specks, fills small doubtful holes and adds what the subject holds; soft values stay soft.
     *
     * @param segmentation of the photo
     * @param choice who stays sharp
     * @return the mask
     * @throws IllegalArgumentException the model does not know a class
     */
    public static SubjectMask of(Segmentation segmentation, SubjectChoice choice) {
        List<String> held = heldLabels(choice, segmentation.metadata);
        Bytes whole = segmentation.mask(choice.label);
        Box box = segmentation.box;
        // To whole samples, at least one of each; rint rounds halves to even, as Python does.
        int top = Math.max(0, (int) Math.rint(box.top));
        int left = Math.max(0, (int) Math.rint(box.left));
        int height = Math.max(1, Math.min(whole.height, (int) Math.rint(box.bottom))) - top;
        int width = Math.max(1, Math.min(whole.width, (int) Math.rint(box.right))) - left;
        Bytes values = Figures.fillHoles(whole.crop(top, left, height, width));
        Figures found = Figures.findFigures(values);
        boolean[] kept = kept(found, choice, width, height, (double) segmentation.width / segmentation.height);
        List<Figure> figures = new ArrayList<>();
        for (int n = 0; n < kept.length; n++) {
            figures.add(found.figures.get(n).withKept(kept[n]));
        }
        boolean[] subject = new boolean[values.data.length];
        for (int at = 0; at < subject.length; at++) {
            int label = found.labels[at];
            boolean mine = label > 0 && kept[label - 1];
            if (label != 0 && !mine) {
                values.data[at] = 0;
            }
            subject[at] = mine && (values.data[at] & 255) >= Figures.INSIDE;
        }
        for (String label : held) {
            addHeld(values, subject, segmentation.mask(label).crop(top, left, height, width));
        }
        int inside = 0;
        for (byte value : values.data) {
            inside += (value & 255) >= Figures.INSIDE ? 1 : 0;
        }
        Bytes padded = values.extended(top, left, whole.height - top - height, whole.width - left - width);
        return new SubjectMask(padded, box, (double) inside / values.data.length, figures);
    }

    /** Which figures stay sharp; `aspect` is width / height of the photo. */
    private static boolean[] kept(Figures found, SubjectChoice choice, int width, int height, double aspect) {
        boolean[] kept = new boolean[found.figures.size()];
        if (choice.keep == Keep.ALL || kept.length == 0) {
            Arrays.fill(kept, true);
            return kept;
        }
        int reference = choice.hasFocus ? at(found.labels, width, height, choice, aspect) : 0;
        for (int n = 0; reference >= 0 && n < kept.length; n++) {
            boolean near = choice.keep == Keep.NEAR && isNear(found.figures.get(n), found.figures.get(reference));
            kept[n] = n == reference || near;
        }
        return kept;
    }

    /** The figure nearest to the focus point, or -1 if none is within reach. */
    private static int at(int[] labels, int width, int height, SubjectChoice choice, double aspect) {
        double least = Double.POSITIVE_INFINITY;
        int nearest = -1;
        for (int at = 0; at < labels.length; at++) {
            if (labels[at] > 0) {
                double x = Math.abs((at % width + 0.5) / width - choice.focusX) - 0.5 / width;
                double y = Math.abs((at / width + 0.5) / height - choice.focusY) - 0.5 / height;
                double distance = Math.hypot(Math.max(x, 0) * aspect, Math.max(y, 0));
                if (distance < least) {
                    least = distance;
                    nearest = labels[at] - 1;
                }
            }
        }
        return least > FOCUS_REACH * Math.hypot(aspect, 1) ? -1 : nearest;
    }

    private static boolean isNear(Figure figure, Figure reference) {
        if (figure.height() >= NEAR_HEIGHT * reference.height()) {
            return true;
        }
        // Feet tell the distance only where they are in the photo. This keeps a child beside its parent.
        return reference.hasFeet() && figure.bottom >= reference.bottom - SAME_GROUND * reference.height();
    }

    private static List<String> heldLabels(SubjectChoice choice, ModelMetadata metadata) {
        List<String> held = new ArrayList<>();
        for (String label : choice.held == null ? HELD_LABELS : choice.held) {
            boolean known = metadata.tellsApart() && metadata.labels.contains(label);
            if (!known && choice.held != null) {
                throw Check.refusal("the model cannot tell what is %s beside the subject; it knows %s",
                    label, metadata.labels);
            }
            if (known && !label.equals(choice.label)) {
                held.add(label);
            }
        }
        return held;
    }

    /** Adds the things of one class that touch the subject; where both are likely, their confidences add up. */
    private static void addHeld(Bytes values, boolean[] subject, Bytes thing) {
        int height = thing.height;
        int width = thing.width;
        int[] labels = Components.componentLabels(
            Figures.not(Figures.below(thing, Figures.INSIDE)), height, width, true);
        boolean[] reach = Components.dilate(subject, height, width, TOUCH_SAMPLES);
        boolean[] touching = new boolean[labels.length + 1];
        for (int at = 0; at < labels.length; at++) {
            touching[labels[at]] |= reach[at];
        }
        touching[0] = false;
        int[] grown = Components.growLabels(
            labels, Figures.not(Figures.below(thing, Figures.SOFT_RIM)), height, width);
        for (int at = 0; at < grown.length; at++) {
            if (touching[grown[at]]) {
                values.data[at] = (byte) Math.min(255, (values.data[at] & 255) + (thing.data[at] & 255));
            }
        }
    }
}
