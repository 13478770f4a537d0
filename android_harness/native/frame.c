#include "frame.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "resize.h"

enum { PAD_BYTE = 128 };

void turn_upright(const Frame *stored, int orientation, uint8_t *upright) {
  bool exchanged = orientation >= 5;
  int height = exchanged ? stored->width : stored->height, width = exchanged ? stored->height : stored->width;
  bool flip_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  bool flip_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++) {
      int column = exchanged ? y : x, row = exchanged ? x : y;
      if (flip_x) column = stored->width - 1 - column;
      if (flip_y) row = stored->height - 1 - row;
      memcpy(upright, stored->pixels + 3 * ((size_t)row * (size_t)stored->width + (size_t)column), 3);
      upright += 3;
    }
}

static Used used_part(const Frame *frame, int height, int width, Fit fit) {
  if (fit == FIT_STRETCH) return (Used){height, width};
  double down = (double)height / frame->height, across = (double)width / frame->width;
  double ratio = across < down ? across : down;
  return (Used){clamp((int)(frame->height * ratio + 1e-6), 1, height),
                clamp((int)(frame->width * ratio + 1e-6), 1, width)};
}

Used fit_frame(const Frame *frame, int input_height, int input_width, Fit fit, uint8_t *input) {
  Used used = used_part(frame, input_height, input_width, fit);
  Box whole = {0, 0, frame->width, frame->height};
  size_t row = 3 * (size_t)used.width, pitch = 3 * (size_t)input_width;
  if (used.height == input_height && used.width == input_width) {
    resize_bytes(frame->pixels, frame->height, frame->width, 3, whole, input, used.height, used.width);
    return used;
  }
  uint8_t *resized = allocate((size_t)used.height * row, 1);
  resize_bytes(frame->pixels, frame->height, frame->width, 3, whole, resized, used.height, used.width);
  memset(input, PAD_BYTE, (size_t)input_height * pitch);
  for (int y = 0; y < used.height; y++) memcpy(input + (size_t)y * pitch, resized + (size_t)y * row, row);
  free(resized);
  return used;
}

void feed_int8(const uint8_t *input, size_t count, int8_t *tensor) {
  for (size_t i = 0; i < count; i++) tensor[i] = (int8_t)(input[i] - 128);
}

void feed_float(const uint8_t *input, int height, int width, Used used, float mean, float std, float *tensor) {
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      for (int c = 0; c < 3; c++, input++)
        *tensor++ = y < used.height && x < used.width ? ((float)*input - mean) / std : 0.0F;
}
