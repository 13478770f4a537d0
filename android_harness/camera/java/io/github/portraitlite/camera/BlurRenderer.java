package io.github.portraitlite.camera;

import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.Map;

/** Blurs the background of photos of any size: one plan, then the finished picture tile by tile. */
public final class BlurRenderer {
    private static final int PLAN_CHANNELS = 12;

    private final GraphRunner runner;
    private final BlurSpec spec;

    /**
     * A renderer may be used by as many threads as its runner.
     *
     * @param runner runs the graphs
     * @param spec of the graphs
     */
    public BlurRenderer(GraphRunner runner, BlurSpec spec) {
        this.runner = runner;
        this.spec = spec;
    }

    /**
     * The photo with its background blurred.
     *
     * @param pixels (H, W, 3) RGB
     * @param mask (h, w, 1), 255 = subject, at any resolution
     * @param maskBox the photo's rim in the mask; null: the mask spans the photo
     * @param coc (h, w, 1) in 0..1 over the whole photo, blur relative to the strength, 0 = in focus; null blurs evenly
     * @param strength 0..1; 0 gives the pixels back unchanged, 1 a disc radius of 1/63 of the photo's diagonal
     * @param highlights 0..1, how far small clipped lights count as brighter than white; they blur to bokeh balls
     * @param grain 0..1, how much of the photo's own noise the blurred part gets back
     * @return (H, W, 3) RGB, a new array
     * @throws IllegalArgumentException an array of other channels, a number outside 0..1, or too large a photo
     */
    public Bytes render(Bytes pixels, Bytes mask, Box maskBox, Floats coc, double strength, double highlights,
            double grain) {
        Check.channels("the photo", pixels.channels, 3);
        Check.share("the strength", strength);
        Check.share("grain", grain);
        Bytes picture = pixels.copy();
        if (strength == 0) {
            return picture;
        }
        PlanChoice choice = PlanChoice.chooseScale(pixels.height, pixels.width, spec);
        PlanInputs inputs = PlanInputs.of(pixels, mask, maskBox, coc, strength, highlights, choice, spec);
        Floats plan = plan(inputs, choice);
        ByteBuffer noise = Grain.noiseInput(pixels, choice.scale, spec, grain).toBuffer();
        for (Tile tile : Tile.tiles(pixels.height, pixels.width, plan, choice.scale, spec)) {
            if (tile.kind != TileKind.COPY) {
                tile.paste(finished(tile, pixels, plan, noise, choice.scale), picture);
            }
        }
        return picture;
    }

    /**
     * Runs the plan graph.
     *
     * @param inputs of the photo
     * @param choice the photo's place on the plan
     * @return (plan height, plan width, 12): aR aG aB b of alpha = clip(a . photo + b, 0, 1), the blurred background
     *     R G B in 0..1, fade, its weight, rim R G B, and a channel of zeros
     */
    public Floats plan(PlanInputs inputs, PlanChoice choice) {
        String file = BlurSpec.planFile(choice.orientation, Levels.nearestLayer(inputs.coc, spec));
        ByteBuffer made = runner.run(file, inputs.buffers());
        return Floats.fromBuffer(made, choice.planHeight, choice.planWidth, PLAN_CHANNELS);
    }

    private Bytes finished(Tile tile, Bytes pixels, Floats plan, ByteBuffer noise, int scale) {
        Map<String, ByteBuffer> inputs = new LinkedHashMap<>();
        inputs.put("noise", noise);
        inputs.put("plan", tile.planPixels(plan).toBuffer());
        noise.rewind(); // graph runners may leave it where they stopped reading
        String file = BlurSpec.fillFile(scale);
        if (tile.kind == TileKind.APPLY) {
            inputs.put("rgb", tile.photoPixels(pixels).toBuffer());
            file = BlurSpec.applyFile(scale);
        }
        ByteBuffer view = runner.run(file, inputs).duplicate();
        view.rewind();
        Bytes made = new Bytes(tile.height, tile.width, 3);
        if (view.limit() != made.data.length) {
            throw Check.refusal("%s made %d bytes; expected %d", file, view.limit(), made.data.length);
        }
        view.get(made.data);
        return made;
    }
}
