#include "plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"

enum { CLIPPED_FROM = 239, WIDE = 16 };
static const double FULL_BOOST = 16;
static const float TO_UNIT = (float)(1.0 / 255);

void area_reduce(const uint8_t *pixels, int height, int width, int channels, int scale, uint8_t *out) {
  size_t pitch = (size_t)width * (size_t)channels, out_pitch = (size_t)divide_up(width, scale) * (size_t)channels;
  uint32_t *sums = allocate(out_pitch, sizeof *sums);
  for (int top = 0; top < height; top += scale, out += out_pitch) {
    int rows = smaller(scale, height - top);
    memset(sums, 0, out_pitch * sizeof *sums);
    for (int y = top; y < top + rows; y++) {
      const uint8_t *at = pixels + (size_t)y * pitch;
      uint32_t *sum = sums;
      for (int left = 0; left < width; left += scale, sum += channels)
        for (int x = left; x < smaller(left + scale, width); x++)
          for (int c = 0; c < channels; c++) sum[c] += *at++;
    }
    for (size_t i = 0; i < out_pitch; i++) {
      int left = (int)(i / (size_t)channels) * scale;
      uint32_t count = (uint32_t)(rows * smaller(scale, width - left));
      out[i] = (uint8_t)((sums[i] + count / 2) * ((1U << 24) / count) >> 24);
    }
  }
  free(sums);
}

void clipped_light(const Frame *frame, int scale, uint8_t *out) {
  int height = divide_up(frame->height, scale), width = divide_up(frame->width, scale);
  int wide_height = divide_up(height, WIDE), wide_width = divide_up(width, WIDE);
  size_t row = (size_t)frame->width, size = (size_t)height * (size_t)width;
  uint8_t *strip = allocate(row * (size_t)scale, 1), *around = allocate(size, 1);
  uint8_t *wide = allocate((size_t)wide_height * (size_t)wide_width, 1);
  for (int top = 0; top < frame->height; top += scale) {
    int rows = smaller(scale, frame->height - top);
    const uint8_t *at = frame->pixels + 3 * (size_t)top * row;
    for (size_t i = 0; i < row * (size_t)rows; i++, at += 3) {
      int darkest = smaller(smaller(at[0], at[1]), at[2]);
      strip[i] = (uint8_t)smaller(255, 16 * larger(0, darkest - CLIPPED_FROM));
    }
    area_reduce(strip, rows, frame->width, 1, scale, out + (size_t)(top / scale) * (size_t)width);
  }
  area_reduce(out, height, width, 1, WIDE, wide);
  const double neighbourhood = WIDE;
  Box box = {0, 0, width / neighbourhood, height / neighbourhood};
  resize_bytes(wide, wide_height, wide_width, 1, box, around, height, width);
  for (size_t i = 0; i < size; i++) out[i] = (uint8_t)((out[i] * (255 - smaller(255, 2 * around[i])) + 127) / 255);
  free(strip);
  free(around);
  free(wide);
}

float boost_factor(double highlights) { return (float)(FULL_BOOST * (highlights * highlights) / 255); }

void check_box(Map map) {
  double side = larger(map.height, map.width);
  Box box = map.box;
  if (box.left >= box.right || box.top >= box.bottom || fmin(box.left, box.top) < -side ||
      fmax(box.right, box.bottom) > 2 * side)
    fail(FAIL_INPUT,
         "the mask box %g,%g,%g,%g does not fit a mask of %d x %d; give left,top,right,bottom in its pixels", box.left,
         box.top, box.right, box.bottom, map.width, map.height);
}

/* The map with as many repeated samples on every side as the box reaches beyond it, and the box in that. */
static Map extend(const uint8_t *values, size_t item, Map map, const Frame *frame, PlanChoice choice,
                  uint8_t **extended) {
  Box box = map.box;
  /* The last plan pixels reach over the photo's rim; the box must reach as far, or the map would be squeezed. */
  box.right = box.left + (box.right - box.left) * ((double)(choice.used_width * choice.scale) / frame->width);
  box.bottom = box.top + (box.bottom - box.top) * ((double)(choice.used_height * choice.scale) / frame->height);
  int before_x = larger(0, (int)ceil(-box.left)), before_y = larger(0, (int)ceil(-box.top));
  int after_x = larger(0, (int)ceil(box.right - map.width)), after_y = larger(0, (int)ceil(box.bottom - map.height));
  int height = before_y + map.height + after_y, width = before_x + map.width + after_x;
  uint8_t *out = *extended = allocate((size_t)height * (size_t)width, item);
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++, out += item) {
      size_t row = (size_t)clamp(y - before_y, 0, map.height - 1),
             column = (size_t)clamp(x - before_x, 0, map.width - 1);
      memcpy(out, values + (row * (size_t)map.width + column) * item, item);
    }
  return (Map){height, width, {box.left + before_x, box.top + before_y, box.right + before_x, box.bottom + before_y}};
}

void place_bytes(const uint8_t *values, Map map, const Frame *frame, PlanChoice choice, uint8_t *out) {
  uint8_t *extended;
  Map from = extend(values, 1, map, frame, choice, &extended);
  resize_bytes(extended, from.height, from.width, 1, from.box, out, choice.used_height, choice.used_width);
  free(extended);
}

void place_floats(const float *values, Map map, const Frame *frame, PlanChoice choice, float *out) {
  uint8_t *extended;
  Map from = extend((const uint8_t *)values, sizeof *values, map, frame, choice, &extended);
  resize_floats((const float *)(void *)extended, from.height, from.width, from.box, out, choice.used_height,
                choice.used_width);
  free(extended);
}

/* Whole plan, the rim repeated; `copies` equal channels of every channel. */
static float *bytes_to_plan(const uint8_t *used, int channels, int copies, PlanChoice choice, float factor) {
  size_t out_channels = (size_t)(channels * copies);
  float *plan = allocate((size_t)choice.plan_height * (size_t)choice.plan_width * out_channels, sizeof *plan),
        *at = plan;
  for (int y = 0; y < choice.plan_height; y++)
    for (int x = 0; x < choice.plan_width; x++) {
      int row = smaller(y, choice.used_height - 1), column = smaller(x, choice.used_width - 1);
      const uint8_t *from = used + ((size_t)row * (size_t)choice.used_width + (size_t)column) * (size_t)channels;
      for (int c = 0; c < channels * copies; c++) *at++ = (float)from[c / copies] * factor;
    }
  return plan;
}

static float *levels_to_plan(const Frame *frame, PlanChoice choice, const BlurFacts *facts,
                             const PlanOptions *options) {
  double radius = disc_radius(frame->height, frame->width, choice.scale, options->strength, facts);
  size_t size = (size_t)choice.used_height * (size_t)choice.used_width;
  float *used = allocate(size, sizeof *used), everywhere = level_of_radius(radius, facts);
  if (options->coc) place_floats(options->coc, options->coc_map, frame, choice, used);
  for (size_t i = 0; i < size; i++)
    used[i] = options->coc ? level_of_radius((double)used[i] * radius, facts) : everywhere;
  float *plan = allocate((size_t)choice.plan_height * (size_t)choice.plan_width, sizeof *plan), *at = plan;
  for (int y = 0; y < choice.plan_height; y++)
    for (int x = 0; x < choice.plan_width; x++) {
      int row = smaller(y, choice.used_height - 1), column = smaller(x, choice.used_width - 1);
      *at++ = used[(size_t)row * (size_t)choice.used_width + (size_t)column];
    }
  free(used);
  return plan;
}

int nearest_layer(const Frame *frame, PlanChoice choice, const BlurFacts *facts, const PlanOptions *options) {
  float *levels = levels_to_plan(frame, choice, facts, options), least = levels[0], largest = levels[0];
  for (size_t i = 1; i < (size_t)choice.plan_height * (size_t)choice.plan_width; i++) {
    if (levels[i] < least) least = levels[i];
    if (levels[i] > largest) largest = levels[i];
  }
  free(levels);
  int nearest = smaller((int)floorf(least), facts->layers - 2);
  return largest <= (float)(nearest + 1) ? nearest : -1;
}

PlanInputs plan_inputs(const Frame *frame, const uint8_t *mask, Map map, PlanChoice choice, const BlurFacts *facts,
                       const PlanOptions *options) {
  uint8_t *used = allocate(3 * (size_t)choice.used_height * (size_t)choice.used_width, 1);
  PlanInputs inputs;
  area_reduce(frame->pixels, frame->height, frame->width, 3, choice.scale, used);
  inputs.rgb = bytes_to_plan(used, 3, 1, choice, TO_UNIT);
  place_bytes(mask, map, frame, choice, used);
  inputs.mask = bytes_to_plan(used, 1, 1, choice, TO_UNIT);
  inputs.coc = levels_to_plan(frame, choice, facts, options);
  memset(used, 0, (size_t)choice.used_height * (size_t)choice.used_width);
  if (options->highlights > 0) clipped_light(frame, choice.scale, used);
  inputs.boost = bytes_to_plan(used, 1, 3, choice, boost_factor(options->highlights));
  free(used);
  return inputs;
}

void free_plan_inputs(PlanInputs *inputs) {
  free(inputs->rgb);
  free(inputs->mask);
  free(inputs->coc);
  free(inputs->boost);
}
