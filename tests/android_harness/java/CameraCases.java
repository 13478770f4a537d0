import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.util.Map;

/** Does steps of the camera library that a test asks for on stdin, one after the other, until stdin ends. */
final class CameraCases {
    private CameraCases() {}

    public static void main(String[] arguments) throws IOException {
        Wire wire = new Wire(new DataInputStream(new BufferedInputStream(System.in)),
            new DataOutputStream(new BufferedOutputStream(System.out)));
        while (true) {
            String step;
            try {
                step = wire.readText();
            } catch (EOFException end) {
                return;
            }
            Step call = new Step(wire.readTexts(), wire.readArrays(), wire);
            try {
                Map<String, Wire.Array> arrays = answer(step, call).arrays;
                wire.writeText("fine");
                wire.writeArrays(arrays);
            } catch (IllegalArgumentException refusal) {
                wire.writeText("refused");
                wire.writeText(refusal.getMessage());
            } catch (RuntimeException fault) {
                wire.writeText("failed");
                wire.writeText(fault + " at " + fault.getStackTrace()[0]);
            }
            wire.flush();
        }
    }

    private static Wire.Answer answer(String step, Step call) {
        switch (step) {
            case "yuv":
                return FrameSteps.yuv(call);
            case "orient":
                return FrameSteps.orient(call);
            case "rotate":
                return FrameSteps.rotate(call);
            case "crop":
                return FrameSteps.crop(call);
            case "argb":
                return FrameSteps.argb(call);
            case "resize":
                return FrameSteps.resize(call);
            case "fit":
                return FrameSteps.fit(call);
            case "feed":
                return FrameSteps.feed(call);
            case "segment":
                return MaskSteps.segment(call);
            case "mask":
                return MaskSteps.mask(call);
            case "photo_mask":
                return MaskSteps.photoMask(call);
            case "components":
                return MaskSteps.components(call);
            case "holes":
                return MaskSteps.holes(call);
            case "figures":
                return MaskSteps.figures(call);
            case "subject":
                return MaskSteps.subject(call);
            case "spec":
                return BlurSteps.spec(call);
            case "scale":
                return BlurSteps.scale(call);
            case "reduce":
                return BlurSteps.reduce(call);
            case "light":
                return BlurSteps.light(call);
            case "place":
                return BlurSteps.place(call);
            case "level":
                return BlurSteps.level(call);
            case "nearest":
                return BlurSteps.nearest(call);
            case "plan":
                return BlurSteps.plan(call);
            case "grain_level":
                return BlurSteps.grainLevel(call);
            case "grain_tile":
                return BlurSteps.grainTile(call);
            case "noise":
                return BlurSteps.noise(call);
            case "tile_kinds":
                return TileSteps.tileKinds(call);
            case "tiles":
                return TileSteps.tiles(call);
            case "apply":
                return TileSteps.apply(call);
            case "fill":
                return TileSteps.fill(call);
            case "render":
                return TileSteps.render(call);
            case "portrait":
                return MaskSteps.portrait(call);
            default:
                throw new IllegalStateException("no step " + step);
        }
    }
}
