package io.github.portraitlite.camera;

import java.util.ArrayList;
import java.util.List;

/** One tile of a photo. */
public final class Tile {
    private static final int PLAN_CHANNELS = 12; // aR aG aB b, background R G B, fade, rim R G B, nothing
    private static final int FADE = 7;

    /** First row, in photo pixels. */
    public final int top;
    /** First column, in photo pixels. */
    public final int left;
    /** Rows, in photo pixels; the tile may reach over the photo's rim. */
    public final int height;
    /** Columns, in photo pixels. */
    public final int width;
    /** What makes it. */
    public final TileKind kind;
    private final int planHeight;
    private final int planWidth;
    private final int scale;

    private Tile(int top, int left, TileKind kind, int scale, BlurSpec spec) {
        this.top = top;
        this.left = left;
        height = spec.tileHeight(scale);
        width = spec.tileWidth(scale);
        this.kind = kind;
        planHeight = spec.planTileHeight(scale);
        planWidth = spec.planTileWidth(scale);
        this.scale = scale;
    }

    /**
     * All tiles of a photo, row by row. Kinds are sure, whatever the photo's colours.
     *
     * @param height rows of the photo
     * @param width columns of the photo
     * @param plan (plan height, plan width, 12) of the plan graph
     * @param scale photo pixels per plan pixel
     * @param spec of the graphs
     * @return the tiles
     * @throws IllegalArgumentException no plan, or no photo
     */
    public static List<Tile> tiles(int height, int width, Floats plan, int scale, BlurSpec spec) {
        Check.channels("the plan", plan.channels, PLAN_CHANNELS);
        Check.size(height, width, 3);
        boolean[] subject = new boolean[plan.height * plan.width];
        boolean[] background = new boolean[plan.height * plan.width];
        for (int i = 0; i < subject.length; i++) {
            int at = i * PLAN_CHANNELS;
            float red = plan.data[at];
            float green = plan.data[at + 1];
            float blue = plan.data[at + 2];
            float least = Math.min(red, 0) + Math.min(green, 0) + Math.min(blue, 0) + plan.data[at + 3];
            float largest = Math.max(red, 0) + Math.max(green, 0) + Math.max(blue, 0) + plan.data[at + 3];
            float fade = plan.data[at + FADE];
            subject[i] = least >= 1 || fade <= 0;
            background[i] = largest <= 0 && fade >= 1;
        }
        List<Tile> tiles = new ArrayList<>();
        for (int top = 0; top < height; top += spec.tileHeight(scale)) {
            for (int left = 0; left < width; left += spec.tileWidth(scale)) {
                Tile tile = new Tile(top, left, TileKind.APPLY, scale, spec);
                TileKind kind = tile.all(subject, plan) ? TileKind.COPY
                    : tile.all(background, plan) ? TileKind.FILL : TileKind.APPLY;
                tiles.add(new Tile(top, left, kind, scale, spec));
            }
        }
        return tiles;
    }

    /**
     * The plan pixels that the tile reads, its own and one more on every side, the plan's edge repeated.
     *
     * @param plan (plan height, plan width, 12)
     * @return (tile height / scale + 2, tile width / scale + 2, 12)
     */
    public Floats planPixels(Floats plan) {
        Floats cut = new Floats(planHeight, planWidth, plan.channels);
        for (int y = 0; y < planHeight; y++) {
            for (int x = 0; x < planWidth; x++) {
                int from = row(y, plan) * plan.width + column(x, plan);
                System.arraycopy(plan.data, from * plan.channels, cut.data, (y * planWidth + x) * plan.channels,
                    plan.channels);
            }
        }
        return cut;
    }

    /**
     * The photo's pixels, its last row and column repeated where the tile reaches over its rim.
     *
     * @param pixels (H, W, 3) RGB
     * @return (height, width, 3)
     * @throws IllegalArgumentException the tile is of another photo
     */
    public Bytes photoPixels(Bytes pixels) {
        int rows = Math.min(height, pixels.height - top);
        int columns = Math.min(width, pixels.width - left);
        Bytes part = pixels.crop(top, left, rows, columns);
        return rows == height && columns == width ? part : part.extended(0, 0, height - rows, width - columns);
    }

    /**
     * Puts what a graph made in its place; what lies beyond the photo's rim is left out.
     *
     * @param made (height, width, 3) RGB
     * @param picture (H, W, 3) RGB, changed
     * @throws IllegalArgumentException a tile of another size, or of another photo
     */
    public void paste(Bytes made, Bytes picture) {
        if (made.height != height || made.width != width || made.channels != picture.channels) {
            throw Check.refusal("found a tile of %d x %d x %d; expected %d x %d x %d",
                made.height, made.width, made.channels, height, width, picture.channels);
        }
        int rows = Math.min(height, picture.height - top);
        int columns = Math.min(width, picture.width - left);
        Check.inside(top, left, rows, columns, picture.height, picture.width);
        for (int y = 0; y < rows; y++) {
            System.arraycopy(made.data, y * width * made.channels, picture.data,
                ((top + y) * picture.width + left) * picture.channels, columns * picture.channels);
        }
    }

    private boolean all(boolean[] flags, Floats plan) {
        for (int y = 0; y < planHeight; y++) {
            for (int x = 0; x < planWidth; x++) {
                if (!flags[row(y, plan) * plan.width + column(x, plan)]) {
                    return false;
                }
            }
        }
        return true;
    }

    private int row(int y, Floats plan) {
        return Math.min(Math.max(top / scale - 1 + y, 0), plan.height - 1);
    }

    private int column(int x, Floats plan) {
        return Math.min(Math.max(left / scale - 1 + x, 0), plan.width - 1);
    }
}
