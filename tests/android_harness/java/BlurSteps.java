import io.github.portraitlite.camera.AreaReduce;
import io.github.portraitlite.camera.BlurRenderer;
import io.github.portraitlite.camera.BlurSpec;
import io.github.portraitlite.camera.Bytes;
import io.github.portraitlite.camera.Floats;
import io.github.portraitlite.camera.Grain;
import io.github.portraitlite.camera.Highlights;
import io.github.portraitlite.camera.Levels;
import io.github.portraitlite.camera.Orientation;
import io.github.portraitlite.camera.PlanChoice;
import io.github.portraitlite.camera.PlanInputs;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** From photo and mask to the plan, and the noise. */
final class BlurSteps {
    private static final BlurSpec SPEC = BlurSpec.bundled();

    private BlurSteps() {}

    static Wire.Answer spec(Step call) {
        return new Wire.Answer().put("sides", SPEC.longSide, SPEC.shortSide, SPEC.tileHeight, SPEC.tileWidth)
            .put("scales", SPEC.scales()).put("layers", SPEC.layers, SPEC.noiseSeed).put("max_radius", SPEC.maxRadius);
    }

    static Wire.Answer scale(Step call) {
        int[] sizes = call.arrays.get("sizes").ints();
        int[] choices = new int[sizes.length * 2];
        double[] radii = new double[sizes.length / 2];
        for (int i = 0; i < radii.length; i++) {
            PlanChoice choice = PlanChoice.chooseScale(sizes[2 * i], sizes[2 * i + 1], SPEC);
            choices[4 * i] = choice.scale;
            choices[4 * i + 1] = choice.orientation == Orientation.PORTRAIT ? 1 : 0;
            choices[4 * i + 2] = choice.usedHeight;
            choices[4 * i + 3] = choice.usedWidth;
            radii[i] = choice.discRadius(sizes[2 * i], sizes[2 * i + 1], 1, SPEC);
        }
        return new Wire.Answer().put("choices", choices).put("radii", radii);
    }

    static Wire.Answer reduce(Step call) {
        return new Wire.Answer().put("reduced", AreaReduce.areaReduce(call.bytes("pixels"), call.integer("scale")));
    }

    static Wire.Answer light(Step call) {
        Bytes pixels = call.bytes("pixels");
        int scale = call.integer("scale");
        return new Wire.Answer().put("clipped", Highlights.clippedLight(pixels, scale))
            .put("boost", oneOfEquals(Highlights.lightBoost(pixels, scale, call.number("highlights"))));
    }

    static Wire.Answer place(Step call) {
        int height = call.integer("height");
        int width = call.integer("width");
        PlanChoice choice = PlanChoice.chooseScale(height, width, SPEC);
        return new Wire.Answer().put("placed",
            PlanInputs.placeMap(call.bytes("map"), height, width, choice, call.box("box")));
    }

    static Wire.Answer level(Step call) {
        double[] radii = call.arrays.get("radius").doubles();
        Floats levels = new Floats(1, radii.length, 1);
        for (int i = 0; i < radii.length; i++) {
            levels.data[i] = Levels.levelOfRadius(radii[i], SPEC);
        }
        return new Wire.Answer().put("level", levels);
    }

    static Wire.Answer nearest(Step call) {
        int nearest = Levels.nearestLayer(call.floats("levels"), SPEC);
        byte[] file = BlurSpec.planFile(Orientation.PORTRAIT, nearest).getBytes(StandardCharsets.UTF_8);
        return new Wire.Answer().put("nearest", nearest)
            .put("file", "uint8", new int[] {file.length}, ByteBuffer.wrap(file));
    }

    /** The plan's inputs and the plan, as far as the photo covers them. */
    static Wire.Answer plan(Step call) {
        Bytes photo = call.bytes("photo");
        PlanChoice choice = PlanChoice.chooseScale(photo.height, photo.width, SPEC);
        PlanInputs inputs = PlanInputs.of(photo, call.bytes("mask"), call.box("mask_box"), call.floats("coc"),
            call.number("strength"), call.number("highlights"), choice, SPEC);
        Floats plan = new BlurRenderer(call, SPEC).plan(inputs, choice);
        Wire.Answer answer = new Wire.Answer()
            .put("rgb", used(inputs.rgb, choice))
            .put("mask", used(inputs.mask, choice))
            .put("coc", used(inputs.coc, choice)).put("boost", oneOfEquals(used(inputs.boost, choice)))
            .put("plan", used(plan, choice));
        Floats rgb = inputs.rgb;
        int last = ((choice.usedHeight - 1) * rgb.width + choice.usedWidth - 1) * 3;
        if (rgb.data[last] != rgb.data[rgb.data.length - 3]) {
            throw new IllegalStateException("the rim is not repeated");
        }
        return answer;
    }

    static Wire.Answer grainLevel(Step call) {
        return new Wire.Answer().put("level", Grain.noiseLevel(call.bytes("pixels")));
    }

    static Wire.Answer grainTile(Step call) {
        int height = call.integer("height");
        int width = call.integer("width");
        byte[] tile = Grain.noiseTile(height, width, call.integer("seed"));
        return new Wire.Answer().put("tile", "int8", new int[] {height, width}, ByteBuffer.wrap(tile));
    }

    static Wire.Answer noise(Step call) {
        Floats noise = Grain.noiseInput(call.bytes("pixels"), call.integer("scale"), SPEC, call.number("grain"));
        return new Wire.Answer().put("noise",
            oneOfEquals(cut(noise, call.integer("rows"), call.integer("columns"))));
    }

    private static Floats used(Floats map, PlanChoice choice) {
        return cut(map, choice.usedHeight, choice.usedWidth);
    }

    static Floats cut(Floats map, int height, int width) {
        Floats made = new Floats(height, width, map.channels);
        for (int y = 0; y < height; y++) {
            System.arraycopy(map.data, y * map.width * map.channels, made.data, y * width * map.channels,
                width * map.channels);
        }
        return made;
    }

    private static Floats oneOfEquals(Floats map) {
        Floats made = new Floats(map.height, map.width, 1);
        for (int i = 0; i < map.data.length; i++) {
            if (map.data[i] != map.data[i - i % map.channels]) {
                throw new IllegalStateException("channels differ");
            }
            made.data[i / map.channels] = map.data[i];
        }
        return made;
    }
}
