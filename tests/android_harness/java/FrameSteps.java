import io.github.portraitlite.camera.Bytes;
import io.github.portraitlite.camera.Fit;
import io.github.portraitlite.camera.NetworkInput;
import io.github.portraitlite.camera.PillowBilinear;
import io.github.portraitlite.camera.Upright;
import io.github.portraitlite.camera.YuvFrame;
import java.nio.ByteBuffer;

/** From a camera frame to the network's input. */
final class FrameSteps {
    private FrameSteps() {}

    static Wire.Answer yuv(Step call) {
        int height = call.integer("height");
        int width = call.integer("width");
        YuvFrame frame;
        switch (call.text("layout")) {
            case "nv21":
                frame = YuvFrame.nv21(height, width, call.arrays.get("data").data);
                break;
            case "nv12":
                frame = YuvFrame.nv12(height, width, call.arrays.get("data").data);
                break;
            case "i420":
                frame = YuvFrame.i420(height, width, call.arrays.get("data").data);
                break;
            default:
                frame = new YuvFrame(height, width, plane(call, "y"), plane(call, "u"), plane(call, "v"));
        }
        if (!call.parameters.containsKey("crop")) {
            return new Wire.Answer().put("rgb", frame.toRgb());
        }
        double[] crop = call.numbers("crop");
        return new Wire.Answer().put(
            "rgb", frame.toRgb((int) crop[0], (int) crop[1], (int) crop[2], (int) crop[3]));
    }

    private static YuvFrame.Plane plane(Step call, String name) {
        ByteBuffer data = call.arrays.get(name).data;
        data.position(data.limit()); // as a reader before us may have left it
        return new YuvFrame.Plane(data, call.integer(name + "_row"), call.integer(name + "_pixel"));
    }

    static Wire.Answer orient(Step call) {
        return new Wire.Answer().put("upright", Upright.orient(call.bytes("stored"), call.integer("orientation")));
    }

    static Wire.Answer rotate(Step call) {
        int orientation = Upright.orientation(call.integer("degrees"), call.flag("mirrored"));
        return new Wire.Answer().put("upright", Upright.orient(call.bytes("stored"), orientation));
    }

    static Wire.Answer crop(Step call) {
        return new Wire.Answer().put("part", call.bytes("pixels").crop(
            call.integer("top"), call.integer("left"), call.integer("height"), call.integer("width")));
    }

    static Wire.Answer argb(Step call) {
        Bytes pixels = call.bytes("pixels");
        int[] argb = pixels.toArgb();
        return new Wire.Answer().put("argb", argb).put("again", Bytes.fromArgb(pixels.height, pixels.width, argb));
    }

    static Wire.Answer resize(Step call) {
        return new Wire.Answer().put("resized", PillowBilinear.resize(
            call.bytes("pixels"), call.integer("height"), call.integer("width"), call.box("box")));
    }

    static Wire.Answer fit(Step call) {
        NetworkInput made = NetworkInput.fitPhoto(
            call.bytes("pixels"), call.integer("height"), call.integer("width"), call.choice(Fit.class, "fit"));
        return new Wire.Answer().put("input", made.pixels).put("used", made.usedHeight, made.usedWidth);
    }

    static Wire.Answer feed(Step call) {
        double[] used = call.numbers("used");
        NetworkInput input = new NetworkInput(call.bytes("input"), (int) used[0], (int) used[1]);
        String dtype = call.text("dtype");
        ByteBuffer fed = dtype.equals("uint8") ? input.feedBytes()
            : dtype.equals("int8") ? input.feedSignedBytes()
            : input.feedFloats((float) call.number("mean"), (float) call.number("std"));
        int size = fed.remaining() / (dtype.equals("float32") ? 4 : 1);
        return new Wire.Answer().put("tensor", dtype, new int[] {size}, fed);
    }
}
