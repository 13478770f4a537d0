package io.github.portraitlite.camera;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Who of those that a model sees stays sharp. */
public final class SubjectChoice {
    /** Class of the subject. */
    public final String label;
    /** Which figures of that class. */
    public final Keep keep;
    /** Whether there is a focus point. */
    public final boolean hasFocus;
    /** Focus point as a fraction of the upright photo's width, from the left. */
    public final double focusX;
    /** Focus point as a fraction of the upright photo's height, from the top. */
    public final double focusY;
    /** Classes that stay sharp where they touch the subject; null: the usual ones that the model knows. */
    public final List<String> held;

    private SubjectChoice(
            String label, Keep keep, boolean hasFocus, double focusX, double focusY, List<String> held) {
        this.label = label;
        this.keep = keep;
        this.hasFocus = hasFocus;
        this.focusX = focusX;
        this.focusY = focusY;
        this.held = held;
    }

    /**
     * Without a focus point.
     *
     * @param label class of the subject
     * @param keep ALL, LARGEST or NEAR
     * @return the choice
     * @throws IllegalArgumentException FOCUS, which needs a point
     */
    public static SubjectChoice of(String label, Keep keep) {
        if (keep == Keep.FOCUS) {
            throw Check.refusal("found FOCUS without a point; expected one: use at()");
        }
        return new SubjectChoice(label, keep, false, 0, 0, null);
    }

    /**
     * With a focus point, for instance where the user tapped.
     *
     * @param label class of the subject
     * @param keep FOCUS or NEAR
     * @param focusX fraction of the upright photo's width, 0..1 from the left
     * @param focusY fraction of the upright photo's height, 0..1 from the top
     * @return the choice
     * @throws IllegalArgumentException a point outside the photo, or ALL or LARGEST, which take none
     */
    public static SubjectChoice at(String label, Keep keep, double focusX, double focusY) {
        if (keep != Keep.FOCUS && keep != Keep.NEAR) {
            throw Check.refusal("found %s with a focus point; expected FOCUS or NEAR", keep);
        }
        Check.share("the focus point's x", focusX);
        Check.share("the focus point's y", focusY);
        return new SubjectChoice(label, keep, true, focusX, focusY, null);
    }

    /**
     * The same choice, with other things that stay sharp in the subject's hands.
     *
     * @param held classes of things; empty for none
     * @return a new choice
     */
    public SubjectChoice holding(List<String> held) {
        return new SubjectChoice(label, keep, hasFocus, focusX, focusY,
            Collections.unmodifiableList(new ArrayList<>(held)));
    }
}
