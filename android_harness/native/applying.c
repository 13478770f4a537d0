#include "applying.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "grain.h"
#include "json.h"
#include "planning.h"
#include "timing.h"

enum { NOISE_CHANNELS = 3 };
static const char *const KIND_NAME[3] = {"copy", "fill", "apply"};

static int input_of(const Applying *applying, TileKind kind, const char *name, int type, int height, int width,
                    int channels) {
  const Model *model = &applying->graphs[kind];
  int index = find_tensor(model->inputs, model->input_count, name);
  if (index < 0 || !is_picture(&model->inputs[index], type, height, width, channels))
    fail(FAIL_INPUT, "%s has no input %s of the tile's size; push graphs and facts of one version", model->path, name);
  return index;
}

static void open_graph(Applying *applying, TileKind kind) {
  const Tiling *tiling = &applying->tiling;
  Model *model = &applying->graphs[kind];
  char name[64];
  (void)snprintf(name, sizeof name, "%s_s%d_uint8.tflite", KIND_NAME[kind], tiling->scale);
  applying->paths[kind] = graph_path(applying->options->blur, name);
  open_model(applying->options, KIND_NAME[kind], applying->paths[kind], model);
  describe_model(model);
  applying->noise_input[kind] =
      input_of(applying, kind, "noise", TYPE_FLOAT32, tiling->height, tiling->width, NOISE_CHANNELS);
  applying->plan_input[kind] =
      input_of(applying, kind, "plan", TYPE_FLOAT32, tiling->plan_height, tiling->plan_width, PLAN_CHANNELS);
  if (kind == TILE_APPLY) applying->rgb = input_of(applying, kind, "rgb", TYPE_UINT8, tiling->height, tiling->width, 3);
  if (model->input_count != (kind == TILE_APPLY ? 3 : 2) || model->output_count != 1 ||
      !is_picture(&model->outputs[0], TYPE_UINT8, tiling->height, tiling->width, 3))
    fail(FAIL_INPUT, "%s is no tile graph of this size; push graphs and facts of one version", model->path);
}

void open_applying(const Options *options, const BlurFacts *facts, const Frame *frame, Applying *applying) {
  *applying =
      (Applying){.options = options, .facts = facts, .choice = choose_scale(frame->height, frame->width, facts)};
  applying->tiling = make_tiling(frame->height, frame->width, applying->choice.scale, facts);
  const Tiling *tiling = &applying->tiling;
  open_graph(applying, TILE_FILL);
  open_graph(applying, TILE_APPLY);
  size_t pixels = (size_t)tiling->height * (size_t)tiling->width;
  applying->noise = allocate(pixels, 1);
  applying->noise_fed = allocate(pixels, NOISE_CHANNELS * sizeof(float));
  applying->plan_fed =
      allocate((size_t)tiling->plan_height * (size_t)tiling->plan_width, PLAN_CHANNELS * sizeof(float));
  applying->photo_fed = allocate(pixels, 3);
  applying->tile = allocate(pixels, 3);
  applying->kinds = allocate((size_t)tiling->rows * (size_t)tiling->columns, 1);
  applying->picture_size = 3 * (size_t)frame->height * (size_t)frame->width;
  applying->picture = allocate(applying->picture_size, 1);
}

/* The same for every tile, so it is fed once. */
static void feed_noise(Applying *applying, const Frame *frame) {
  const Tiling *tiling = &applying->tiling;
  float *fed = applying->noise_fed;
  applying->noise_level = applying->options->grain > 0 ? noise_level(frame) : 0;
  applying->noise_factor = noise_factor(applying->options->grain, applying->noise_level);
  noise_tile(tiling->height, tiling->width, applying->facts->noise_seed, applying->noise);
  for (size_t i = 0; i < (size_t)tiling->height * (size_t)tiling->width; i++)
    for (int c = 0; c < NOISE_CHANNELS; c++) *fed++ = (float)applying->noise[i] * applying->noise_factor;
  write_input(&applying->graphs[TILE_FILL], applying->noise_input[TILE_FILL], applying->noise_fed);
  write_input(&applying->graphs[TILE_APPLY], applying->noise_input[TILE_APPLY], applying->noise_fed);
}

static void make_tile(Applying *applying, const Frame *frame, const Plan *plan, TileKind kind, int row, int column) {
  const Tiling *tiling = &applying->tiling;
  Model *graph = &applying->graphs[kind];
  feed_plan(plan, tiling, row, column, applying->plan_fed);
  write_input(graph, applying->plan_input[kind], applying->plan_fed);
  if (kind == TILE_APPLY) {
    feed_photo(frame, tiling, row, column, applying->photo_fed);
    write_input(graph, applying->rgb, applying->photo_fed);
  }
  double start = now_ms();
  invoke(graph);
  timing_add("tiles_invoke", now_ms() - start);
  read_output(graph, 0, applying->tile);
  place_tile(applying->tile, frame, tiling, row, column, applying->picture);
}

void run_applying(Applying *applying, const Frame *frame, const float *values) {
  const Tiling *tiling = &applying->tiling;
  memset(applying->counts, 0, sizeof applying->counts);
  memcpy(applying->picture, frame->pixels, applying->picture_size);
  if (!values) return;
  feed_noise(applying, frame);
  timing_lap("noise");
  Plan plan = make_plan(values, applying->choice.plan_height, applying->choice.plan_width);
  for (int row = 0; row < tiling->rows; row++)
    for (int column = 0; column < tiling->columns; column++) {
      TileKind kind = tile_kind(&plan, tiling, row, column);
      applying->kinds[row * tiling->columns + column] = (uint8_t)kind;
      applying->counts[kind]++;
      if (kind != TILE_COPY) make_tile(applying, frame, &plan, kind, row, column);
    }
  free_plan(&plan);
  timing_lap("tiles");
}

void save_applying(const Applying *applying) {
  const char *folder = applying->options->dump;
  const Tiling *tiling = &applying->tiling;
  dump(folder, "noise", applying->noise, (size_t)tiling->height * (size_t)tiling->width);
  dump(folder, "kinds", applying->kinds, (size_t)tiling->rows * (size_t)tiling->columns);
  dump(folder, "picture", applying->picture, applying->picture_size);
  if (applying->options->picture) write_file(applying->options->picture, applying->picture, applying->picture_size);
}

void describe_applying(const Applying *applying) {
  describe_choice(applying->choice);
  json_integer("tile_height", applying->tiling.height);
  json_integer("tile_width", applying->tiling.width);
  json_integer("noise_level", applying->noise_level);
  json_number("noise_factor", (double)applying->noise_factor);
  json_object("tiles");
  for (int kind = 0; kind < 3; kind++) json_integer(KIND_NAME[kind], applying->counts[kind]);
  json_close();
}

void close_applying(Applying *applying) {
  for (int kind = 0; kind < 3; kind++) {
    close_model(&applying->graphs[kind]);
    free(applying->paths[kind]);
  }
  free(applying->noise);
  free(applying->noise_fed);
  free(applying->plan_fed);
  free(applying->photo_fed);
  free(applying->tile);
  free(applying->kinds);
  free(applying->picture);
}
