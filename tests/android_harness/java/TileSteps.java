import io.github.portraitlite.camera.BlurRenderer;
import io.github.portraitlite.camera.BlurSpec;
import io.github.portraitlite.camera.Bytes;
import io.github.portraitlite.camera.Floats;
import io.github.portraitlite.camera.GraphRunner;
import io.github.portraitlite.camera.Tile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;

/** From the plan to the picture. */
final class TileSteps {
    private static final BlurSpec SPEC = BlurSpec.bundled();
    private static final int[] KIND_CHANNELS = {0, 1, 2, 3, 7}; // of the plan, those that decide a tile's kind

    private TileSteps() {}

    static Wire.Answer tileKinds(Step call) {
        Floats part = call.floats("plan");
        Floats plan = new Floats(part.height, part.width, 12);
        for (int i = 0; i < part.data.length; i++) {
            plan.data[i / 5 * 12 + KIND_CHANNELS[i % 5]] = part.data[i];
        }
        List<Tile> tiles = Tile.tiles(
            call.integer("height"), call.integer("width"), plan, call.integer("scale"), SPEC);
        byte[] kinds = new byte[tiles.size()];
        for (int n = 0; n < kinds.length; n++) {
            kinds[n] = (byte) tiles.get(n).kind.ordinal();
        }
        return new Wire.Answer().put("kinds", "uint8", new int[] {kinds.length}, ByteBuffer.wrap(kinds));
    }

    /** CRC-32 of what apply is fed, tile by tile, on made pixels. */
    static Wire.Answer tiles(Step call) {
        if (ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) {
            throw new IllegalStateException("the checksums are of little-endian floats");
        }
        Bytes photo = pattern(call.integer("height"), call.integer("width"), 3);
        List<Integer> checksums = new ArrayList<>();
        GraphRunner recorder = (file, inputs) -> {
            if (file.startsWith("plan_")) {
                boolean portrait = file.contains("portrait");
                Bytes made = pattern(portrait ? 504 : 378, portrait ? 378 : 504, 12);
                Floats plan = new Floats(made.height, made.width, 12);
                for (int i = 0; i < made.data.length; i++) {
                    plan.data[i] = (made.data[i] & 255) / 256f;
                }
                return plan.toBuffer();
            }
            checksums.add(checksum(inputs.get("rgb")));
            checksums.add(checksum(inputs.get("plan")));
            return inputs.get("rgb");
        };
        Bytes mask = new Bytes(8, 8, 1);
        Bytes picture = new BlurRenderer(recorder, SPEC).render(photo, mask, null, null, 1, 0, 0);
        int[] values = new int[checksums.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = checksums.get(i);
        }
        ByteBuffer data = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        data.asIntBuffer().put(values);
        return new Wire.Answer().put("checksums", "uint32", new int[] {values.length}, data).put("picture", picture);
    }

    /** One tile of a photo that is smaller than a tile. */
    static Wire.Answer apply(Step call) {
        Bytes photo = call.bytes("photo");
        Tile tile = tile(call, photo.height, photo.width);
        Map<String, ByteBuffer> inputs = inputs(call, tile);
        inputs.put("rgb", tile.photoPixels(photo).toBuffer());
        return finished(call, tile, BlurSpec.applyFile(call.integer("scale")), inputs, photo.height, photo.width);
    }

    static Wire.Answer fill(Step call) {
        Floats noise = call.floats("noise");
        Tile tile = tile(call, noise.height, noise.width);
        return finished(
            call, tile, BlurSpec.fillFile(call.integer("scale")), inputs(call, tile), noise.height, noise.width);
    }

    static Wire.Answer render(Step call) {
        return new Wire.Answer().put("picture", new BlurRenderer(call, SPEC).render(call.bytes("photo"),
            call.bytes("mask"), call.box("mask_box"), call.floats("coc"), call.number("strength"),
            call.number("highlights"), call.number("grain")));
    }

    private static Tile tile(Step call, int height, int width) {
        return Tile.tiles(height, width, call.floats("plan"), call.integer("scale"), SPEC).get(0);
    }

    private static Map<String, ByteBuffer> inputs(Step call, Tile tile) {
        Floats part = call.floats("noise");
        Floats noise = new Floats(tile.height, tile.width, 3);
        for (int i = 0; i < noise.data.length; i++) {
            int y = Math.min(i / 3 / tile.width, part.height - 1);
            int x = Math.min(i / 3 % tile.width, part.width - 1);
            noise.data[i] = part.data[y * part.width + x];
        }
        Map<String, ByteBuffer> inputs = new LinkedHashMap<>();
        inputs.put("noise", noise.toBuffer());
        inputs.put("plan", tile.planPixels(call.floats("plan")).toBuffer());
        return inputs;
    }

    private static Wire.Answer finished(
            Step call, Tile tile, String file, Map<String, ByteBuffer> inputs, int height, int width) {
        ByteBuffer output = call.run(file, inputs);
        output.rewind();
        Bytes made = new Bytes(tile.height, tile.width, 3);
        output.get(made.data);
        Bytes picture = new Bytes(height, width, 3);
        tile.paste(made, picture);
        return new Wire.Answer().put("picture", picture);
    }

    private static Bytes pattern(int height, int width, int channels) {
        Bytes made = new Bytes(height, width, channels);
        for (int i = 0; i < made.data.length; i++) {
            int y = i / channels / width;
            int x = i / channels % width;
            made.data[i] = (byte) (7 * y + 13 * x + 31 * (i % channels) + y * x / 32);
        }
        return made;
    }

    private static int checksum(ByteBuffer data) {
        CRC32 crc = new CRC32();
        crc.update(data.duplicate());
        return (int) crc.getValue();
    }
}
