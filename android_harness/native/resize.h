/* Pillow's BILINEAR (docs/host-steps.md): triangle filter, widened when shrinking, columns before rows. */
#ifndef PORTRAITLITE_RESIZE_H
#define PORTRAITLITE_RESIZE_H

#include <stdint.h>

/* In pixel edges of a picture. */
typedef struct {
  double left, top, right, bottom;
} Box;

/* The part `box` (inside the picture) of (height, width, channels) bytes -> (out_height, out_width, channels), rounded
 * to bytes after each pass. */
void resize_bytes(const uint8_t *pixels, int height, int width, int channels, Box box, uint8_t *out, int out_height,
                  int out_width);

/* The same for one channel of floats; sums are made in double and rounded to single precision after each pass. */
void resize_floats(const float *values, int height, int width, Box box, float *out, int out_height, int out_width);

#endif
