package io.github.portraitlite.camera;

/** Turns a picture the right way up. */
public final class Upright {
    private Upright() {}

    /**
     * The EXIF orientation that stands for what a camera library says about a frame.
     *
     * @param rotationDegrees 0, 90, 180 or 270: by how much the frame must be turned clockwise to stand upright
     * @param mirrored whether left and right are exchanged after that, as previews of front cameras do it
     * @return 1 to 8
     * @throws IllegalArgumentException another angle
     */
    public static int orientation(int rotationDegrees, boolean mirrored) {
        switch (rotationDegrees) {
            case 0:
                return mirrored ? 2 : 1;
            case 90:
                return mirrored ? 5 : 6;
            case 180:
                return mirrored ? 4 : 3;
            case 270:
                return mirrored ? 7 : 8;
            default:
                throw Check.refusal("the rotation is %d degrees; expected 0, 90, 180 or 270", rotationDegrees);
        }
    }

    /**
     * Applies an EXIF orientation.
     *
     * @param stored (H, W, C) bytes as the camera or the file has them
     * @param orientation 1 to 8
     * @return (H, W, C), or (W, H, C) for orientations 5 to 8; the same object for orientation 1
     * @throws IllegalArgumentException another orientation
     */
    public static Bytes orient(Bytes stored, int orientation) {
        if (orientation < 1 || orientation > 8) {
            throw Check.refusal("the orientation is %d; expected 1 to 8", orientation);
        }
        if (orientation == 1) {
            return stored;
        }
        boolean swap = orientation >= 5;
        boolean flipRows = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
        boolean flipColumns = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
        int height = swap ? stored.width : stored.height;
        int width = swap ? stored.height : stored.width;
        int channels = stored.channels;
        Bytes upright = new Bytes(height, width, channels);
        for (int y = 0, at = 0; y < height; y++) {
            int up = flipRows ? height - 1 - y : y;
            for (int x = 0; x < width; x++) {
                int along = flipColumns ? width - 1 - x : x;
                int from = (swap ? along * stored.width + up : up * stored.width + along) * channels;
                for (int channel = 0; channel < channels; channel++) {
                    upright.data[at++] = stored.data[from + channel];
                }
            }
        }
        return upright;
    }
}
