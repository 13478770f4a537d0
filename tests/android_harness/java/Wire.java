import io.github.portraitlite.camera.Box;
import io.github.portraitlite.camera.Bytes;
import io.github.portraitlite.camera.Floats;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** Arrays and texts between this program and the test; tests/support/camera_program.py has the other end. */
final class Wire {
    /** An array as numpy has it: its values little-endian, row by row. */
    static final class Array {
        final String dtype;
        final int[] shape;
        final ByteBuffer data;

        Array(String dtype, int[] shape, ByteBuffer data) {
            this.dtype = dtype;
            this.shape = shape;
            this.data = data.order(ByteOrder.LITTLE_ENDIAN);
        }

        Bytes bytes() {
            byte[] values = new byte[data.remaining()];
            data.duplicate().get(values);
            return new Bytes(shape[0], shape[1], shape.length > 2 ? shape[2] : 1, values);
        }

        Floats floats() {
            float[] values = new float[data.remaining() / 4];
            data.asFloatBuffer().get(values);
            return new Floats(shape[0], shape[1], shape.length > 2 ? shape[2] : 1, values);
        }

        double[] doubles() {
            double[] values = new double[data.remaining() / 8];
            data.asDoubleBuffer().get(values);
            return values;
        }

        int[] ints() {
            int[] values = new int[data.remaining() / 4];
            data.asIntBuffer().get(values);
            return values;
        }
    }

    /** What a step answers. */
    static final class Answer {
        final Map<String, Array> arrays = new LinkedHashMap<>();

        Answer put(String name, Bytes value) {
            int[] shape = {value.height, value.width, value.channels};
            return put(name, "uint8", shape, ByteBuffer.wrap(value.data));
        }

        Answer put(String name, Floats value) {
            ByteBuffer data = ByteBuffer.allocate(4 * value.data.length).order(ByteOrder.LITTLE_ENDIAN);
            data.asFloatBuffer().put(value.data);
            return put(name, "float32", new int[] {value.height, value.width, value.channels}, data);
        }

        Answer put(String name, int... values) {
            ByteBuffer data = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
            data.asIntBuffer().put(values);
            return put(name, "int32", new int[] {values.length}, data);
        }

        Answer put(String name, double... values) {
            ByteBuffer data = ByteBuffer.allocate(8 * values.length).order(ByteOrder.LITTLE_ENDIAN);
            data.asDoubleBuffer().put(values);
            return put(name, "float64", new int[] {values.length}, data);
        }

        Answer put(String name, Box box) {
            return put(name, box.left, box.top, box.right, box.bottom);
        }

        Answer put(String name, String dtype, int[] shape, ByteBuffer data) {
            arrays.put(name, new Array(dtype, shape, data));
            return this;
        }
    }

    private final DataInputStream in;
    private final DataOutputStream out;

    Wire(DataInputStream in, DataOutputStream out) {
        this.in = in;
        this.out = out;
    }

    String readText() throws IOException {
        byte[] text = new byte[in.readInt()];
        in.readFully(text);
        return new String(text, StandardCharsets.UTF_8);
    }

    Map<String, String> readTexts() throws IOException {
        Map<String, String> texts = new LinkedHashMap<>();
        for (int count = in.readInt(); count > 0; count--) {
            String name = readText();
            texts.put(name, readText());
        }
        return texts;
    }

    Map<String, Array> readArrays() throws IOException {
        Map<String, Array> arrays = new LinkedHashMap<>();
        for (int count = in.readInt(); count > 0; count--) {
            String name = readText();
            String dtype = readText();
            int[] shape = new int[in.readInt()];
            for (int i = 0; i < shape.length; i++) {
                shape[i] = in.readInt();
            }
            byte[] data = new byte[in.readInt()];
            in.readFully(data);
            // Direct, as camera buffers are.
            ByteBuffer buffer = ByteBuffer.allocateDirect(data.length);
            buffer.put(data);
            buffer.rewind();
            arrays.put(name, new Array(dtype, shape, buffer));
        }
        return arrays;
    }

    void writeText(String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        out.writeInt(bytes.length);
        out.write(bytes);
    }

    void writeArrays(Map<String, Array> arrays) throws IOException {
        out.writeInt(arrays.size());
        for (Map.Entry<String, Array> entry : arrays.entrySet()) {
            Array array = entry.getValue();
            byte[] data = new byte[array.data.remaining()];
            array.data.duplicate().get(data);
            writeText(entry.getKey());
            writeText(array.dtype);
            out.writeInt(array.shape.length);
            for (int side : array.shape) {
                out.writeInt(side);
            }
            out.writeInt(data.length);
            out.write(data);
        }
    }

    /** Asks the test to run a graph on raw inputs. */
    ByteBuffer runGraph(String file, Map<String, ByteBuffer> inputs) throws IOException {
        Map<String, Array> arrays = new LinkedHashMap<>();
        for (Map.Entry<String, ByteBuffer> entry : inputs.entrySet()) {
            ByteBuffer data = entry.getValue().duplicate();
            arrays.put(entry.getKey(), new Array("uint8", new int[] {data.remaining()}, data));
            entry.getValue().position(entry.getValue().limit()); // as some runners leave it
        }
        writeText("graph");
        writeText(file);
        writeArrays(arrays);
        out.flush();
        ByteBuffer output = readArrays().get("output").data.order(ByteOrder.nativeOrder());
        output.position(output.limit());
        return output;
    }

    void flush() throws IOException {
        out.flush();
    }
}
