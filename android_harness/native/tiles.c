#include "tiles.h"

#include <stdlib.h>
#include <string.h>

#include "base.h"

enum { SUBJECT = 1, BACKGROUND = 2, FADE = 7 };

Tiling make_tiling(int height, int width, int scale, const BlurFacts *facts) {
  Tiling tiling = {
      .scale = scale, .height = tile_side(facts->tile_height, scale), .width = tile_side(facts->tile_width, scale)};
  tiling.plan_height = tiling.height / scale + 2;
  tiling.plan_width = tiling.width / scale + 2;
  tiling.rows = divide_up(height, tiling.height);
  tiling.columns = divide_up(width, tiling.width);
  return tiling;
}

/* NaN stays, so that it decides nothing. */
static float at_most_0(float value) { return value > 0 ? 0 : value; }
static float at_least_0(float value) { return value < 0 ? 0 : value; }

Plan make_plan(const float *values, int height, int width) {
  size_t size = (size_t)height * (size_t)width;
  Plan plan = {values, height, width, allocate(size, 1)};
  for (size_t i = 0; i < size; i++) {
    const float *at = values + PLAN_CHANNELS * i;
    float least = at_most_0(at[0]) + at_most_0(at[1]) + at_most_0(at[2]) + at[3];
    float largest = at_least_0(at[0]) + at_least_0(at[1]) + at_least_0(at[2]) + at[3];
    bool subject = least >= 1 || at[FADE] <= 0, background = largest <= 0 && at[FADE] >= 1;
    plan.flags[i] = (uint8_t)((subject ? SUBJECT : 0) | (background ? BACKGROUND : 0));
  }
  return plan;
}

void free_plan(Plan *plan) { free(plan->flags); }

TileKind tile_kind(const Plan *plan, const Tiling *tiling, int row, int column) {
  int first_row = row * (tiling->height / tiling->scale) - 1,
      first_column = column * (tiling->width / tiling->scale) - 1;
  int top = clamp(first_row, 0, plan->height - 1), left = clamp(first_column, 0, plan->width - 1);
  int bottom = clamp(first_row + tiling->plan_height - 1, 0, plan->height - 1);
  int right = clamp(first_column + tiling->plan_width - 1, 0, plan->width - 1);
  int all = SUBJECT | BACKGROUND;
  for (int y = top; y <= bottom; y++)
    for (int x = left; x <= right; x++) all &= plan->flags[(size_t)y * (size_t)plan->width + (size_t)x];
  return all & SUBJECT ? TILE_COPY : all & BACKGROUND ? TILE_FILL : TILE_APPLY;
}

void feed_plan(const Plan *plan, const Tiling *tiling, int row, int column, float *out) {
  int first_row = row * (tiling->height / tiling->scale) - 1,
      first_column = column * (tiling->width / tiling->scale) - 1;
  for (int y = 0; y < tiling->plan_height; y++)
    for (int x = 0; x < tiling->plan_width; x++, out += PLAN_CHANNELS) {
      size_t from_row = (size_t)clamp(first_row + y, 0, plan->height - 1);
      size_t from_column = (size_t)clamp(first_column + x, 0, plan->width - 1);
      memcpy(out, plan->values + PLAN_CHANNELS * (from_row * (size_t)plan->width + from_column),
             PLAN_CHANNELS * sizeof *out);
    }
}

void feed_photo(const Frame *frame, const Tiling *tiling, int row, int column, uint8_t *out) {
  int top = row * tiling->height, left = column * tiling->width;
  int columns = smaller(tiling->width, frame->width - left);
  for (int y = 0; y < tiling->height; y++) {
    size_t from_row = (size_t)smaller(top + y, frame->height - 1);
    const uint8_t *from = frame->pixels + 3 * (from_row * (size_t)frame->width + (size_t)left);
    memcpy(out, from, 3 * (size_t)columns);
    out += 3 * columns;
    for (int x = columns; x < tiling->width; x++, out += 3) memcpy(out, from + 3 * (columns - 1), 3);
  }
}

void place_tile(const uint8_t *tile, const Frame *frame, const Tiling *tiling, int row, int column, uint8_t *picture) {
  int top = row * tiling->height, left = column * tiling->width;
  size_t bytes = 3 * (size_t)smaller(tiling->width, frame->width - left);
  for (int y = top; y < smaller(top + tiling->height, frame->height); y++, tile += 3 * tiling->width)
    memcpy(picture + 3 * ((size_t)y * (size_t)frame->width + (size_t)left), tile, bytes);
}
