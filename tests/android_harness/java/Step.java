import io.github.portraitlite.camera.Box;
import io.github.portraitlite.camera.Bytes;
import io.github.portraitlite.camera.Floats;
import io.github.portraitlite.camera.GraphRunner;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.Map;

/** One call: parameters and arrays by name, and somebody who runs graphs. */
final class Step implements GraphRunner {
    final Map<String, String> parameters;
    final Map<String, Wire.Array> arrays;
    private final Wire wire;

    Step(Map<String, String> parameters, Map<String, Wire.Array> arrays, Wire wire) {
        this.parameters = parameters;
        this.arrays = arrays;
        this.wire = wire;
    }

    String text(String name) {
        String text = parameters.get(name);
        if (text == null) {
            throw new IllegalStateException("no parameter " + name);
        }
        return text;
    }

    int integer(String name) {
        return Integer.parseInt(text(name));
    }

    double number(String name) {
        return Double.parseDouble(text(name));
    }

    boolean flag(String name) {
        return text(name).equals("True");
    }

    double[] numbers(String name) {
        String[] texts = text(name).split(",");
        double[] numbers = new double[texts.length];
        for (int i = 0; i < texts.length; i++) {
            numbers[i] = Double.parseDouble(texts[i]);
        }
        return numbers;
    }

    /** Null without the parameter. */
    Box box(String name) {
        if (!parameters.containsKey(name)) {
            return null;
        }
        double[] edges = numbers(name);
        return new Box(edges[0], edges[1], edges[2], edges[3]);
    }

    <T extends Enum<T>> T choice(Class<T> type, String name) {
        return Enum.valueOf(type, text(name).toUpperCase());
    }

    Bytes bytes(String name) {
        return arrays.get(name).bytes();
    }

    /** Null without the array. */
    Floats floats(String name) {
        return arrays.containsKey(name) ? arrays.get(name).floats() : null;
    }

    @Override
    public ByteBuffer run(String file, Map<String, ByteBuffer> inputs) {
        try {
            return wire.runGraph(file, inputs);
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }
}
