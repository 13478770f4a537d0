/* A frame becomes the network's input (docs/host-steps.md, 1). */
#ifndef PORTRAITLITE_FRAME_H
#define PORTRAITLITE_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "facts.h"

/* RGB, row by row. */
typedef struct {
  const uint8_t *pixels;
  int height, width;
} Frame;

/* The part of the network's input that shows the frame. */
typedef struct {
  int height, width;
} Used;

/* EXIF orientation 1..8; the result's sides are exchanged from 5 on. */
void turn_upright(const Frame *stored, int orientation, uint8_t *upright);

/* `input` holds input_height x input_width x 3 bytes. */
Used fit_frame(const Frame *frame, int input_height, int input_width, Fit fit, uint8_t *input);

void feed_int8(const uint8_t *input, size_t count, int8_t *tensor);

/* (byte - mean) / std, and exactly 0 in the padding. */
void feed_float(const uint8_t *input, int height, int width, Used used, float mean, float std, float *tensor);

#endif
