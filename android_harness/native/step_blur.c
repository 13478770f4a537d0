#include "step_blur.h"

#include <stdlib.h>
#include <string.h>

#include "arrays.h"
#include "base.h"
#include "frame.h"
#include "grain.h"
#include "plan.h"
#include "sizing.h"
#include "tiles.h"

static BlurFacts blur_facts(const Options *options) {
  BlurFacts facts;
  if (!options->facts) fail(FAIL_USAGE, "step %s needs --facts", options->name);
  read_facts(options->facts, NULL, &facts);
  return facts;
}

void step_scale(const Options *options) {
  BlurFacts facts = blur_facts(options);
  Array sizes = input_array(options, "sizes", ARRAY_INT32, 2);
  int count = sizes.shape[0];
  int32_t *choices = allocate((size_t)count, 4 * sizeof *choices);
  double *radii = allocate((size_t)count, sizeof *radii);
  for (int i = 0; i < count; i++) {
    const int32_t *side = (const int32_t *)sizes.data + 2 * i;
    if (sizes.shape[1] != 2 || side[0] < 1 || side[1] < 1) fail(FAIL_USAGE, "sizes holds pairs of heights and widths");
    PlanChoice choice = choose_scale(side[0], side[1], &facts);
    const int32_t row[] = {choice.scale, choice.portrait, choice.used_height, choice.used_width};
    memcpy(choices + 4 * i, row, sizeof row);
    radii[i] = disc_radius(side[0], side[1], choice.scale, 1, &facts);
  }
  output_array(options, "choices", ARRAY_INT32, SHAPE(count, 4), choices);
  output_array(options, "radii", ARRAY_FLOAT64, SHAPE(count), radii);
  free(sizes.data);
}

void step_reduce(const Options *options) {
  Frame frame = frame_of(options, "pixels");
  int by = whole_setting(options, "scale", 1, 256);
  int height = divide_up(frame.height, by), width = divide_up(frame.width, by);
  uint8_t *reduced = allocate(area(height, width), 3);
  area_reduce(frame.pixels, frame.height, frame.width, 3, by, reduced);
  output_array(options, "reduced", ARRAY_UINT8, SHAPE(height, width, 3), reduced);
  free_frame(frame);
}

void step_light(const Options *options) {
  Frame frame = frame_of(options, "pixels");
  int by = whole_setting(options, "scale", 1, 256);
  int height = divide_up(frame.height, by), width = divide_up(frame.width, by);
  uint8_t *clipped = allocate(area(height, width), 1);
  float *boost = allocate(area(height, width), sizeof *boost);
  clipped_light(&frame, by, clipped);
  float factor = boost_factor(number_setting(options, "highlights", 0, 1));
  for (size_t i = 0; i < area(height, width); i++) boost[i] = (float)clipped[i] * factor;
  output_array(options, "clipped", ARRAY_UINT8, SHAPE(height, width), clipped);
  output_array(options, "boost", ARRAY_FLOAT32, SHAPE(height, width), boost);
  free_frame(frame);
}

void step_place(const Options *options) {
  BlurFacts facts = blur_facts(options);
  ArrayType type = array_type(options, "map") == ARRAY_FLOAT32 ? ARRAY_FLOAT32 : ARRAY_UINT8;
  Array values = input_array(options, "map", type, 2);
  Frame frame = {NULL, whole_setting(options, "height", 1, MAX_SIDE), whole_setting(options, "width", 1, MAX_SIDE)};
  double edges[4] = {0, 0, values.shape[1], values.shape[0]};
  if (has_setting(options, "box")) numbers_setting(options, "box", edges, 4);
  Map map = {values.shape[0], values.shape[1], {edges[0], edges[1], edges[2], edges[3]}};
  check_box(map);
  PlanChoice choice = choose_scale(frame.height, frame.width, &facts);
  void *placed = allocate(area(choice.used_height, choice.used_width), sizeof(float));
  if (type == ARRAY_FLOAT32)
    place_floats(values.data, map, &frame, choice, placed);
  else
    place_bytes(values.data, map, &frame, choice, placed);
  output_array(options, "placed", type, SHAPE(choice.used_height, choice.used_width), placed);
  free(values.data);
}

void step_level(const Options *options) {
  BlurFacts facts = blur_facts(options);
  Array radius = input_array(options, "radius", ARRAY_FLOAT64, 1);
  float *levels = allocate((size_t)radius.shape[0], sizeof *levels);
  for (int i = 0; i < radius.shape[0]; i++) levels[i] = level_of_radius(((const double *)radius.data)[i], &facts);
  output_array(options, "level", ARRAY_FLOAT32, SHAPE(radius.shape[0]), levels);
  free(radius.data);
}

/* The plan graph's inputs, whole. */
void step_plan(const Options *options) {
  BlurFacts facts = blur_facts(options);
  Frame frame = frame_of(options, "photo");
  Array made = input_array(options, "mask", ARRAY_UINT8, 2), coc = {.data = NULL};
  PlanOptions look = {
      number_setting(options, "strength", 0, 1), number_setting(options, "highlights", 0, 1), NULL, {0}};
  if (has_array(options, "coc")) {
    coc = input_array(options, "coc", ARRAY_FLOAT32, 2);
    look.coc = coc.data;
    look.coc_map = (Map){coc.shape[0], coc.shape[1], {0, 0, coc.shape[1], coc.shape[0]}};
  }
  Map map = {made.shape[0], made.shape[1], {0, 0, made.shape[1], made.shape[0]}};
  PlanChoice choice = choose_scale(frame.height, frame.width, &facts);
  PlanInputs inputs = plan_inputs(&frame, made.data, map, choice, &facts, &look);
  output_array(options, "rgb", ARRAY_FLOAT32, SHAPE(choice.plan_height, choice.plan_width, 3), inputs.rgb);
  output_array(options, "mask", ARRAY_FLOAT32, SHAPE(choice.plan_height, choice.plan_width, 1), inputs.mask);
  output_array(options, "coc", ARRAY_FLOAT32, SHAPE(choice.plan_height, choice.plan_width, 1), inputs.coc);
  output_array(options, "boost", ARRAY_FLOAT32, SHAPE(choice.plan_height, choice.plan_width, 3), inputs.boost);
  free(coc.data);
  free(made.data);
  free_frame(frame);
}

void step_grain_level(const Options *options) {
  Frame frame = frame_of(options, "pixels");
  int32_t *found = allocate(1, sizeof *found);
  *found = noise_level(&frame);
  output_array(options, "level", ARRAY_INT32, SHAPE(1), found);
  free_frame(frame);
}

void step_grain_tile(const Options *options) {
  int height = whole_setting(options, "height", 1, 4096), width = whole_setting(options, "width", 1, 4096);
  int8_t *tile = allocate(area(height, width), 1);
  noise_tile(height, width, whole_setting(options, "seed", 0, INT32_MAX), tile);
  output_array(options, "tile", ARRAY_INT8, SHAPE(height, width), tile);
}

void step_noise(const Options *options) {
  BlurFacts facts = blur_facts(options);
  Frame frame = frame_of(options, "pixels");
  Tiling tiling = make_tiling(frame.height, frame.width, whole_setting(options, "scale", 1, 256), &facts);
  int8_t *tile = allocate(area(tiling.height, tiling.width), 1);
  float *made = allocate(area(tiling.height, tiling.width), sizeof *made);
  float factor = noise_factor(number_setting(options, "grain", 0, 1), noise_level(&frame));
  noise_tile(tiling.height, tiling.width, facts.noise_seed, tile);
  for (size_t i = 0; i < area(tiling.height, tiling.width); i++) made[i] = (float)tile[i] * factor;
  output_array(options, "noise", ARRAY_FLOAT32, SHAPE(tiling.height, tiling.width), made);
  free(tile);
  free_frame(frame);
}

static Plan plan_of(const Options *options, Array *array) {
  *array = input_array(options, "plan", ARRAY_FLOAT32, 3);
  if (array->shape[2] != PLAN_CHANNELS)
    fail(FAIL_USAGE, "plan has %d channels, expected %d", array->shape[2], PLAN_CHANNELS);
  return make_plan(array->data, array->shape[0], array->shape[1]);
}

void step_tile_kinds(const Options *options) {
  BlurFacts facts = blur_facts(options);
  Array array;
  Plan made = plan_of(options, &array);
  int height = whole_setting(options, "height", 1, MAX_SIDE), width = whole_setting(options, "width", 1, MAX_SIDE);
  Tiling tiling = make_tiling(height, width, whole_setting(options, "scale", 1, 256), &facts);
  uint8_t *kinds = allocate(area(tiling.rows, tiling.columns), 1);
  for (int i = 0; i < tiling.rows * tiling.columns; i++)
    kinds[i] = (uint8_t)tile_kind(&made, &tiling, i / tiling.columns, i % tiling.columns);
  output_array(options, "kinds", ARRAY_UINT8, SHAPE(tiling.rows * tiling.columns), kinds);
  free_plan(&made);
  free(array.data);
}

/* What apply is fed, tile after tile. */
void step_tiles(const Options *options) {
  BlurFacts facts = blur_facts(options);
  Array array;
  Frame frame = frame_of(options, "photo");
  Plan made = plan_of(options, &array);
  Tiling tiling = make_tiling(frame.height, frame.width, choose_scale(frame.height, frame.width, &facts).scale, &facts);
  int count = tiling.rows * tiling.columns;
  size_t photo_size = 3 * area(tiling.height, tiling.width),
         plan_size = PLAN_CHANNELS * area(tiling.plan_height, tiling.plan_width);
  uint8_t *photos = allocate((size_t)count * photo_size, 1);
  float *plans = allocate((size_t)count * plan_size, sizeof *plans);
  for (int i = 0; i < count; i++) {
    feed_photo(&frame, &tiling, i / tiling.columns, i % tiling.columns, photos + (size_t)i * photo_size);
    feed_plan(&made, &tiling, i / tiling.columns, i % tiling.columns, plans + (size_t)i * plan_size);
  }
  output_array(options, "rgb", ARRAY_UINT8, SHAPE(count, tiling.height, tiling.width, 3), photos);
  output_array(options, "plan", ARRAY_FLOAT32, SHAPE(count, tiling.plan_height, tiling.plan_width, PLAN_CHANNELS),
               plans);
  free_plan(&made);
  free(array.data);
  free_frame(frame);
}
