import io.github.portraitlite.camera.BlurRenderer;
import io.github.portraitlite.camera.BlurSpec;
import io.github.portraitlite.camera.Bytes;
import io.github.portraitlite.camera.Components;
import io.github.portraitlite.camera.Figure;
import io.github.portraitlite.camera.Figures;
import io.github.portraitlite.camera.Fit;
import io.github.portraitlite.camera.Floats;
import io.github.portraitlite.camera.Keep;
import io.github.portraitlite.camera.ModelMetadata;
import io.github.portraitlite.camera.NetworkInput;
import io.github.portraitlite.camera.OutputKind;
import io.github.portraitlite.camera.ResizeConvention;
import io.github.portraitlite.camera.Segmentation;
import io.github.portraitlite.camera.SubjectChoice;
import io.github.portraitlite.camera.SubjectMask;
import io.github.portraitlite.camera.Upright;
import io.github.portraitlite.camera.YuvFrame;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/** From the network's output to the subject mask, and the whole way from a frame to a portrait. */
final class MaskSteps {
    private MaskSteps() {}

    private static Segmentation segmentation(Step call) {
        double[] network = call.numbers("network");
        double[] photo = call.numbers("photo");
        double[] used = call.numbers("used");
        Bytes pixels = new Bytes((int) network[0], (int) network[1], 3);
        NetworkInput input = new NetworkInput(pixels, (int) used[0], (int) used[1]);
        Wire.Array output = call.arrays.get("output");
        OutputKind kind = call.choice(OutputKind.class, "output_kind");
        boolean single = kind == OutputKind.CONFIDENCE && output.shape[2] == 1;
        ModelMetadata metadata = new ModelMetadata(Arrays.asList(call.text("labels").split(",")), pixels.height,
            pixels.width, kind, single ? "person" : null, call.choice(ResizeConvention.class, "resize_convention"));
        if (output.dtype.equals("uint8")) {
            return new Segmentation(output.bytes(), metadata, (int) photo[0], (int) photo[1], input);
        }
        return new Segmentation(output.floats(), metadata, (int) photo[0], (int) photo[1], input);
    }

    static Wire.Answer mask(Step call) {
        Segmentation segmentation = segmentation(call);
        return new Wire.Answer().put("mask", segmentation.mask("person")).put("box", segmentation.box);
    }

    static Wire.Answer photoMask(Step call) {
        return new Wire.Answer().put("mask", Segmentation.maskAtSize(
            call.bytes("mask"), call.box("box"), call.integer("height"), call.integer("width")));
    }

    static Wire.Answer components(Step call) {
        Bytes mask = call.bytes("mask");
        boolean[] set = new boolean[mask.data.length];
        for (int i = 0; i < set.length; i++) {
            set[i] = mask.data[i] != 0;
        }
        return new Wire.Answer().put("labels",
            Components.componentLabels(set, mask.height, mask.width, call.flag("diagonal")));
    }

    static Wire.Answer holes(Step call) {
        return new Wire.Answer().put("filled", Figures.fillHoles(call.bytes("values")));
    }

    static Wire.Answer figures(Step call) {
        Figures found = Figures.findFigures(call.bytes("values"));
        double[] boxes = new double[4 * found.figures.size()];
        double[] shares = new double[found.figures.size()];
        for (int n = 0; n < shares.length; n++) {
            Figure figure = found.figures.get(n);
            boxes[4 * n] = figure.left;
            boxes[4 * n + 1] = figure.top;
            boxes[4 * n + 2] = figure.right;
            boxes[4 * n + 3] = figure.bottom;
            shares[n] = figure.share;
        }
        return new Wire.Answer().put("labels", found.labels).put("boxes", boxes).put("shares", shares);
    }

    static Wire.Answer subject(Step call) {
        Keep keep = call.choice(Keep.class, "keep");
        SubjectChoice choice;
        if (call.parameters.containsKey("focus")) {
            double[] focus = call.numbers("focus");
            choice = SubjectChoice.at("person", keep, focus[0], focus[1]);
        } else {
            choice = SubjectChoice.of("person", keep);
        }
        if (call.parameters.containsKey("held")) {
            String held = call.text("held");
            List<String> labels = held.isEmpty() ? Collections.emptyList() : Arrays.asList(held.split(","));
            choice = choice.holding(labels);
        }
        SubjectMask made = SubjectMask.of(segmentation(call), choice);
        int[] kept = new int[made.figures.size()];
        for (int n = 0; n < kept.length; n++) {
            kept[n] = made.figures.get(n).kept ? 1 : 0;
        }
        return new Wire.Answer().put("mask", made.values).put("share", made.share).put("kept", kept);
    }

    static Wire.Answer segment(Step call) {
        return new Wire.Answer().put("mask", segmented(call, call.bytes("photo")).mask("person"));
    }

    /** A front camera's NV21 frame, upright and mirrored; its portrait. */
    static Wire.Answer portrait(Step call) {
        YuvFrame frame = YuvFrame.nv21(call.integer("height"), call.integer("width"), call.arrays.get("data").data);
        Bytes photo = Upright.orient(frame.toRgb(), Upright.orientation(call.integer("degrees"), true));
        SubjectMask mask = SubjectMask.of(segmented(call, photo), SubjectChoice.of("person", Keep.ALL));
        Bytes picture = new BlurRenderer(call, BlurSpec.bundled()).render(photo, mask.values, mask.box, null,
            call.number("strength"), call.number("highlights"), call.number("grain"));
        return new Wire.Answer().put("photo", photo).put("mask", mask.values).put("picture", picture);
    }

    /** By the bundled model, which takes uint8 and puts out one confidence. */
    private static Segmentation segmented(Step call, Bytes photo) {
        double[] input = call.numbers("model_input");
        double[] output = call.numbers("model_output");
        ModelMetadata metadata = new ModelMetadata(Arrays.asList("background", "person"), (int) input[0],
            (int) input[1], OutputKind.CONFIDENCE, "person", ResizeConvention.ALIGN_CORNERS);
        NetworkInput source = NetworkInput.fitPhoto(
            photo, metadata.inputHeight, metadata.inputWidth, call.choice(Fit.class, "model_fit"));
        ByteBuffer made = call.run(call.text("model"), Collections.singletonMap("image", source.feedBytes()));
        Floats scores;
        if (call.parameters.containsKey("model_scale")) {
            scores = Floats.dequantized(made, (int) output[0], (int) output[1], 1, call.flag("model_signed"),
                (float) call.number("model_scale"), call.integer("model_zero"));
        } else {
            scores = Floats.fromBuffer(made, (int) output[0], (int) output[1], 1);
        }
        return new Segmentation(scores, metadata, photo.height, photo.width, source);
    }
}
