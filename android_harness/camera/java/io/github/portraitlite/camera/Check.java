package io.github.portraitlite.camera;

import java.util.Locale;

/** Refuses arguments in one line: what was found, what was expected. */
final class Check {
    /** The longest array that every virtual machine makes. */
    private static final long LARGEST_ARRAY = Integer.MAX_VALUE - 8;

    private Check() {}

    static IllegalArgumentException refusal(String format, Object... values) {
        return new IllegalArgumentException(String.format(Locale.ROOT, format, values));
    }

    /** The number of values of a (height, width, channels) array. */
    static int size(int height, int width, int channels) {
        if (height < 1 || width < 1 || channels < 1) {
            throw refusal("found an array of %d x %d x %d; expected at least one row, column and channel",
                height, width, channels);
        }
        // Two steps: the product of three ints overflows even a long.
        if ((long) height * width > LARGEST_ARRAY || (long) height * width * channels > LARGEST_ARRAY) {
            throw refusal("found an array of %d x %d x %d values; expected at most %d",
                height, width, channels, LARGEST_ARRAY);
        }
        return height * width * channels;
    }

    static void share(String name, double value) {
        if (!(value >= 0 && value <= 1)) {
            throw refusal("%s is %s; expected 0 to 1", name, value);
        }
    }

    static void channels(String what, int found, int expected) {
        if (found != expected) {
            throw refusal("%s has %d channels; expected %d", what, found, expected);
        }
    }

    static void inside(int top, int left, int height, int width, int rows, int columns) {
        if (top < 0 || left < 0 || height < 1 || width < 1 || top > rows - height || left > columns - width) {
            throw refusal("found a crop of %d x %d pixels at column %d, row %d; expected it inside %d x %d",
                width, height, left, top, columns, rows);
        }
    }
}
