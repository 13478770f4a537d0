package io.github.portraitlite.camera;

import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.Map;

/** What the plan graph is fed: photo and mask on the plan grid, the rim repeated to the right and the bottom. */
public final class PlanInputs {
    private static final float TO_UNIT = (float) (1.0 / 255);

    /** (plan height, plan width, 3) RGB in 0..1. */
    public final Floats rgb;
    /** (plan height, plan width, 1) in 0..1, 1 = subject. */
    public final Floats mask;
    /** (plan height, plan width, 1) levels of the layer bank. */
    public final Floats coc;
    /** (plan height, plan width, 3) in units of white. */
    public final Floats boost;

    private PlanInputs(Floats rgb, Floats mask, Floats coc, Floats boost) {
        this.rgb = rgb;
        this.mask = mask;
        this.coc = coc;
        this.boost = boost;
    }

    /**
     * From photo, mask and strength.
     *
     * @param pixels (H, W, 3) RGB
     * @param mask (h, w, 1), 255 = subject, at any resolution
     * @param maskBox the photo's rim in the mask; null: the mask spans the photo
     * @param coc (h, w, 1) in 0..1 over the whole photo, blur relative to the strength, 0 = in focus; null: even blur
     * @param strength 0..1; 1 is a disc radius of 1/63 of the photo's diagonal
     * @param highlights 0..1, how far clipped lights are taken to be brighter than white
     * @param choice the photo's place on the plan
     * @param spec of the graphs
     * @return the inputs
     * @throws IllegalArgumentException an array of other channels, a number outside 0..1, or a choice for another photo
     */
    public static PlanInputs of(Bytes pixels, Bytes mask, Box maskBox, Floats coc, double strength, double highlights,
            PlanChoice choice, BlurSpec spec) {
        Check.channels("the photo", pixels.channels, 3);
        Check.channels("the mask", mask.channels, 1);
        Check.share("the strength", strength);
        if (AreaReduce.blocks(pixels.height, choice.scale) != choice.usedHeight
                || AreaReduce.blocks(pixels.width, choice.scale) != choice.usedWidth) {
            throw Check.refusal(
                "the choice is for %d x %d plan pixels of scale %d; expected one for a photo of %d x %d",
                choice.usedWidth, choice.usedHeight, choice.scale, pixels.width, pixels.height);
        }
        Bytes reduced = AreaReduce.areaReduce(pixels, choice.scale);
        Bytes placed = placeMap(mask, pixels.height, pixels.width, choice, maskBox);
        double radius = choice.discRadius(pixels.height, pixels.width, strength, spec);
        return new PlanInputs(toPlan(unit(reduced), choice), toPlan(unit(placed), choice),
            toPlan(levels(coc, radius, pixels, choice, spec), choice),
            toPlan(Highlights.lightBoost(pixels, choice.scale, highlights), choice));
    }

    /**
     * For the plan graph.
     *
     * @return direct buffers by the names of the graph's inputs: rgb, mask, coc, boost
     */
    public Map<String, ByteBuffer> buffers() {
        Map<String, ByteBuffer> buffers = new LinkedHashMap<>();
        buffers.put("rgb", rgb.toBuffer());
        buffers.put("mask", mask.toBuffer());
        buffers.put("coc", coc.toBuffer());
        buffers.put("boost", boost.toBuffer());
        return buffers;
    }

    /**
     * A mask of any resolution on the used part of the plan grid, by {@link PillowBilinear}.
     *
     * @param map (h, w, C) bytes
     * @param height rows of the photo
     * @param width columns of the photo
     * @param choice the photo's place on the plan
     * @param box the photo's rim in the map, at most as far outside as the map's longer side; beyond the map its edge
     *     is repeated; null: the map spans the photo
     * @return (used height, used width, C)
     * @throws IllegalArgumentException the box lies outside
     */
    public static Bytes placeMap(Bytes map, int height, int width, PlanChoice choice, Box box) {
        Box reach = reach(map.height, map.width, height, width, choice, box);
        int left = Math.max(0, (int) Math.ceil(-reach.left));
        int top = Math.max(0, (int) Math.ceil(-reach.top));
        int right = Math.max(0, (int) Math.ceil(reach.right - map.width));
        int bottom = Math.max(0, (int) Math.ceil(reach.bottom - map.height));
        Box moved = new Box(reach.left + left, reach.top + top, reach.right + left, reach.bottom + top);
        Bytes padded = map.extended(top, left, bottom, right);
        return PillowBilinear.resize(padded, choice.usedHeight, choice.usedWidth, moved);
    }

    /** A blur map that spans the photo, on the used part of the plan grid. */
    static Floats placeMap(Floats map, int height, int width, PlanChoice choice) {
        Box reach = reach(map.height, map.width, height, width, choice, null);
        int right = Math.max(0, (int) Math.ceil(reach.right - map.width));
        int bottom = Math.max(0, (int) Math.ceil(reach.bottom - map.height));
        Floats padded = extended(map, map.height + bottom, map.width + right);
        return PillowBilinear.resize(padded, choice.usedHeight, choice.usedWidth, reach);
    }

    /** What the used plan pixels see of the map: the last ones reach over the photo's rim, so the box must, too. */
    private static Box reach(int h, int w, int height, int width, PlanChoice choice, Box box) {
        Box given = box == null ? Box.of(h, w) : box;
        double limit = Math.max(h, w);
        if (Math.min(given.left, given.top) < -limit || Math.max(given.right, given.bottom) > 2 * limit) {
            throw Check.refusal("the box is %s, %s, %s, %s for a map of %d x %d; expected it at most as far outside",
                given.left, given.top, given.right, given.bottom, w, h);
        }
        double right = given.left + (given.right - given.left) * ((double) choice.usedWidth * choice.scale / width);
        double bottom = given.top + (given.bottom - given.top) * ((double) choice.usedHeight * choice.scale / height);
        return new Box(given.left, given.top, right, bottom);
    }

    private static Floats levels(Floats coc, double radius, Bytes pixels, PlanChoice choice, BlurSpec spec) {
        if (coc == null) {
            float level = Levels.levelOfRadius(radius, spec);
            return new Floats(1, 1, 1, new float[] {level});
        }
        Check.channels("the blur map", coc.channels, 1);
        for (float value : coc.data) {
            Check.share("a value of the blur map", value);
        }
        Floats placed = placeMap(coc, pixels.height, pixels.width, choice);
        for (int i = 0; i < placed.data.length; i++) {
            placed.data[i] = Levels.levelOfRadius(placed.data[i] * radius, spec);
        }
        return placed;
    }

    private static Floats unit(Bytes bytes) {
        Floats made = new Floats(bytes.height, bytes.width, bytes.channels);
        for (int i = 0; i < made.data.length; i++) {
            made.data[i] = (bytes.data[i] & 255) * TO_UNIT;
        }
        return made;
    }

    private static Floats toPlan(Floats used, PlanChoice choice) {
        return extended(used, choice.planHeight, choice.planWidth);
    }

    /** The rim repeated to the right and the bottom. */
    private static Floats extended(Floats map, int height, int width) {
        Floats made = new Floats(height, width, map.channels);
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                int from = Math.min(y, map.height - 1) * map.width + Math.min(x, map.width - 1);
                System.arraycopy(
                    map.data, from * map.channels, made.data, (y * width + x) * map.channels, map.channels);
            }
        }
        return made;
    }
}
