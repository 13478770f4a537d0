package io.github.portraitlite.camera;

/** Lights that the camera clipped: how much brighter than white they count, so that they blur to bokeh balls. */
public final class Highlights {
    private static final int CLIPPED_FROM = 239; // bytes up to here are taken for what they are
    private static final int WIDE = 16; // side, in plan pixels, of the neighbourhood in which a light must be small
    private static final double FULL_BOOST = 16; // light added to a clipped plan pixel at 1, in units of white

    private Highlights() {}

    /**
     * How much of every plan pixel is a small clipped light.
     *
     * @param pixels (H, W, 3) RGB
     * @param scale photo pixels per plan pixel
     * @return (H / scale, W / scale, 1), rounded up: the share of clipped pixels in the block (255: all), less where
     *     much of the neighbourhood is clipped too
     * @throws IllegalArgumentException no RGB
     */
    public static Bytes clippedLight(Bytes pixels, int scale) {
        Check.channels("the photo", pixels.channels, 3);
        Bytes light = new Bytes(pixels.height, pixels.width, 1);
        for (int i = 0, at = 0; i < light.data.length; i++, at += 3) {
            // By the darkest channel: leaves in the sun, of which only one is clipped, are no lamps.
            int darkest = Math.min(
                Math.min(pixels.data[at] & 255, pixels.data[at + 1] & 255), pixels.data[at + 2] & 255);
            light.data[i] = (byte) Math.min(255, 16 * Math.max(0, darkest - CLIPPED_FROM));
        }
        Bytes clipped = AreaReduce.areaReduce(light, scale);
        Box box = new Box(0, 0, (double) clipped.width / WIDE, (double) clipped.height / WIDE);
        Bytes wide = PillowBilinear.resize(AreaReduce.areaReduce(clipped, WIDE), clipped.height, clipped.width, box);
        Bytes made = new Bytes(clipped.height, clipped.width, 1);
        for (int i = 0; i < made.data.length; i++) {
            int alone = 255 - Math.min(255, 2 * (wide.data[i] & 255));
            made.data[i] = (byte) (((clipped.data[i] & 255) * alone + 127) / 255);
        }
        return made;
    }

    /**
     * The plan graph's boost, as far as the photo covers the plan: {@link #clippedLight} times 16 * highlights^2 / 255.
     *
     * @param pixels (H, W, 3) RGB
     * @param scale photo pixels per plan pixel
     * @param highlights 0..1
     * @return (H / scale, W / scale, 3), rounded up, in units of white, the same in all channels
     * @throws IllegalArgumentException no RGB, or another share
     */
    public static Floats lightBoost(Bytes pixels, int scale, double highlights) {
        Check.share("highlights", highlights);
        Floats boost = new Floats(
            AreaReduce.blocks(pixels.height, scale), AreaReduce.blocks(pixels.width, scale), 3);
        if (highlights == 0) {
            return boost;
        }
        Bytes clipped = clippedLight(pixels, scale);
        float factor = (float) (FULL_BOOST * (highlights * highlights) / 255);
        for (int i = 0; i < boost.data.length; i++) {
            boost.data[i] = (clipped.data[i / 3] & 255) * factor;
        }
        return boost;
    }
}
