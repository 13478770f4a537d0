package io.github.portraitlite.camera;

import java.nio.ByteBuffer;
import java.util.Map;

/** Runs a TFLite graph; the app brings it, for instance over LiteRT's interpreter. */
public interface GraphRunner {
    /**
     * Runs one graph once.
     *
     * @param file name of the graph's file, for instance {@code apply_s8_uint8.tflite}
     * @param inputs direct buffers in native byte order by the names of the graph's inputs, positions at 0
     * @return what the graph's only output holds, from index 0 to the limit, in native byte order; it may be used again
     *     for the next call
     */
    ByteBuffer run(String file, Map<String, ByteBuffer> inputs);
}
