/* The network's output becomes a mask (docs/host-steps.md, 2). */
#ifndef PORTRAITLITE_MASK_H
#define PORTRAITLITE_MASK_H

#include <stdint.h>

#include "facts.h"
#include "frame.h"
#include "resize.h"

/* An output at network size as float32: class numbers, scores or confidences. */
typedef struct {
  const float *values;
  int height, width, channels;
} Output;

/* The photo's rim in the output's pixel-edge coordinates. */
Box output_box(const ModelFacts *facts, Used used, int height, int width);

/* (height, width) bytes: confidence of class `channel` times 255; samples in the padding repeat the photo's last. */
void class_mask(const Output *output, const ModelFacts *facts, int channel, bool invert, Box box, uint8_t *mask);

#endif
