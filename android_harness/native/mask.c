#include "mask.h"

#include <math.h>
#include <string.h>

#include "base.h"

static void span(double used, int source, int samples, Convention convention, double *low, double *high) {
  if (convention == HALF_PIXEL || samples == source) {
    *low = 0;
    *high = used * samples / source;
    return;
  }
  bool aligned = convention == ALIGN_CORNERS && samples > 1;
  double step = aligned ? (double)(source - 1) / (samples - 1) : (double)source / samples;
  *low = 0.5 - 0.5 / step;
  *high = (used - 0.5) / step + 0.5;
}

Box output_box(const ModelFacts *facts, Used used, int height, int width) {
  Box box;
  double used_height = (double)((int64_t)used.height * facts->network_height) / facts->input_height;
  double used_width = (double)((int64_t)used.width * facts->network_width) / facts->input_width;
  span(used_height, facts->network_height, height, facts->convention, &box.top, &box.bottom);
  span(used_width, facts->network_width, width, facts->convention, &box.left, &box.right);
  return box;
}

static float softmax(const float *scores, int channels, int channel) {
  float most = scores[0], sum = 0;
  for (int c = 1; c < channels; c++)
    if (scores[c] > most) most = scores[c];
  for (int c = 0; c < channels; c++) sum += expf(scores[c] - most);
  return expf(scores[channel] - most) / sum;
}

static float confidence(const Output *output, Kind kind, int channel, size_t sample) {
  const float *at = output->values + sample * (size_t)output->channels;
  if (kind == KIND_LABELS) return *at == (float)channel ? 1.0F : 0.0F;
  return kind == KIND_CONFIDENCE ? at[channel] : softmax(at, output->channels, channel);
}

void class_mask(const Output *output, const ModelFacts *facts, int channel, bool invert, Box box, uint8_t *mask) {
  int height = output->height, width = output->width;
  size_t pitch = (size_t)width;
  for (size_t i = 0; i < (size_t)height * pitch; i++) {
    float value = confidence(output, facts->kind, channel, i);
    value = (invert ? 1 - value : value) * 255 + 0.5F;
    mask[i] = value >= 255 ? 255 : value > 0 ? (uint8_t)value : 0; /* NaN becomes 0 */
  }
  /* Samples whose place lies on the photo: i * step <= used - 1, written with the box's edges. */
  int rows = clamp((int)(box.bottom + box.top + 1e-6), 1, height);
  int columns = clamp((int)(box.right + box.left + 1e-6), 1, width);
  for (int y = rows; y < height; y++) memcpy(mask + (size_t)y * pitch, mask + (size_t)(rows - 1) * pitch, pitch);
  for (int y = 0; y < height; y++) {
    uint8_t *row = mask + (size_t)y * pitch;
    memset(row + columns, row[columns - 1], (size_t)(width - columns));
  }
}
