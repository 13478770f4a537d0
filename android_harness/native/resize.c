#include "resize.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"

enum { PRECISION_BITS = 22 };

/* For every output the first sample and `count` weights, `stride` apart. */
typedef struct {
  int stride;
  int *first, *count;
  double *weight;
  int32_t *fixed;
} Filter;

static Filter make_filter(int size, int source, double start, double end) {
  /* Pillow keeps the box, and so its extent, in single precision, and all that follows in double. */
  float first_edge = (float)start, extent = (float)end - first_edge;
  double step = (double)extent / size, reach = step < 1 ? 1 : step;
  Filter filter = {.stride = (int)ceil(reach) * 2 + 1};
  size_t total = (size_t)size * (size_t)filter.stride;
  filter.first = allocate((size_t)size, sizeof(int));
  filter.count = allocate((size_t)size, sizeof(int));
  filter.weight = allocate(total, sizeof(double));
  filter.fixed = allocate(total, sizeof(int32_t));
  for (int i = 0; i < size; i++) {
    double centre = (double)first_edge + (i + 0.5) * step, sum = 0;
    int first = larger(0, (int)(centre - reach + 0.5));
    int count = smaller(source, (int)(centre + reach + 0.5)) - first;
    double *weight = filter.weight + (size_t)i * (size_t)filter.stride;
    for (int x = 0; x < count; x++) {
      double distance = fabs((x + first - centre + 0.5) * (1.0 / reach));
      weight[x] = distance < 1 ? 1 - distance : 0;
      sum += weight[x];
    }
    for (int x = 0; x < count; x++) {
      if (sum != 0) weight[x] /= sum;
      filter.fixed[(size_t)i * (size_t)filter.stride + (size_t)x] = (int32_t)(0.5 + weight[x] * (1 << PRECISION_BITS));
    }
    filter.first[i] = first;
    filter.count[i] = count;
  }
  return filter;
}

static void free_filter(Filter *filter) {
  free(filter->first);
  free(filter->count);
  free(filter->weight);
  free(filter->fixed);
}

static uint8_t to_byte(int32_t sum) { return sum <= 0 ? 0 : (uint8_t)smaller(255, (int)(sum >> PRECISION_BITS)); }

static void columns_of_bytes(const uint8_t *in, int height, int width, int channels, const Filter *filter,
                             int out_width, uint8_t *out) {
  for (int y = 0; y < height; y++) {
    const uint8_t *row = in + (size_t)y * (size_t)width * (size_t)channels;
    for (int x = 0; x < out_width; x++) {
      const int32_t *weight = filter->fixed + (size_t)x * (size_t)filter->stride;
      const uint8_t *at = row + (size_t)filter->first[x] * (size_t)channels;
      int count = filter->count[x];
      if (channels == 3) {
        int32_t red = 1 << (PRECISION_BITS - 1), green = red, blue = red;
        for (int i = 0; i < count; i++, at += 3) {
          red += weight[i] * at[0];
          green += weight[i] * at[1];
          blue += weight[i] * at[2];
        }
        *out++ = to_byte(red);
        *out++ = to_byte(green);
        *out++ = to_byte(blue);
      } else {
        int32_t sum = 1 << (PRECISION_BITS - 1);
        for (int i = 0; i < count; i++) sum += weight[i] * at[i];
        *out++ = to_byte(sum);
      }
    }
  }
}

static void rows_of_bytes(const uint8_t *in, size_t row_size, const Filter *filter, int out_height, uint8_t *out) {
  int32_t *sums = allocate(row_size, sizeof *sums);
  for (int y = 0; y < out_height; y++, out += row_size) {
    const int32_t *weight = filter->fixed + (size_t)y * (size_t)filter->stride;
    const uint8_t *row = in + (size_t)filter->first[y] * row_size;
    for (size_t x = 0; x < row_size; x++) sums[x] = 1 << (PRECISION_BITS - 1);
    for (int i = 0; i < filter->count[y]; i++, row += row_size)
      for (size_t x = 0; x < row_size; x++) sums[x] += weight[i] * row[x];
    for (size_t x = 0; x < row_size; x++) out[x] = to_byte(sums[x]);
  }
  free(sums);
}

/* Whether a pass along a side would change nothing; it is left out then. */
static bool is_whole(double start, double end, int source, int size) {
  return size == source && start == 0 && end == source;
}

void resize_bytes(const uint8_t *pixels, int height, int width, int channels, Box box, uint8_t *out, int out_height,
                  int out_width) {
  size_t row_size = (size_t)out_width * (size_t)channels;
  bool no_columns = is_whole(box.left, box.right, width, out_width);
  bool no_rows = is_whole(box.top, box.bottom, height, out_height);
  uint8_t *between = NULL;
  if (!no_columns) {
    Filter filter = make_filter(out_width, width, box.left, box.right);
    uint8_t *target = no_rows ? out : (between = allocate((size_t)height * row_size, 1));
    columns_of_bytes(pixels, height, width, channels, &filter, out_width, target);
    free_filter(&filter);
  } else if (no_rows) {
    memcpy(out, pixels, (size_t)height * row_size);
  }
  if (!no_rows) {
    Filter filter = make_filter(out_height, height, box.top, box.bottom);
    rows_of_bytes(between ? between : pixels, row_size, &filter, out_height, out);
    free_filter(&filter);
  }
  free(between);
}

/* One pass: `lines` lines, samples `step` apart, lines `pitch` apart. */
static void pass_of_floats(const float *in, size_t step, size_t pitch, int lines, const Filter *filter, int size,
                           float *out, size_t out_step, size_t out_pitch) {
  for (int line = 0; line < lines; line++)
    for (int i = 0; i < size; i++) {
      const double *weight = filter->weight + (size_t)i * (size_t)filter->stride;
      const float *at = in + (size_t)line * pitch + (size_t)filter->first[i] * step;
      double sum = 0;
      for (int n = 0; n < filter->count[i]; n++) sum += (double)at[(size_t)n * step] * weight[n];
      out[(size_t)line * out_pitch + (size_t)i * out_step] = (float)sum;
    }
}

void resize_floats(const float *values, int height, int width, Box box, float *out, int out_height, int out_width) {
  size_t pitch = (size_t)out_width;
  float *between = allocate((size_t)height * pitch, sizeof *between);
  const float *in = values;
  if (!is_whole(box.left, box.right, width, out_width)) {
    Filter filter = make_filter(out_width, width, box.left, box.right);
    pass_of_floats(values, 1, (size_t)width, height, &filter, out_width, between, 1, pitch);
    free_filter(&filter);
    in = between;
  }
  if (!is_whole(box.top, box.bottom, height, out_height)) {
    Filter filter = make_filter(out_height, height, box.top, box.bottom);
    pass_of_floats(in, pitch, 1, out_width, &filter, out_height, out, pitch, 1);
    free_filter(&filter);
  } else {
    memcpy(out, in, (size_t)height * pitch * sizeof *out);
  }
  free(between);
}
