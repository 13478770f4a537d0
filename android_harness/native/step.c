#include "step.h"

#include <stdlib.h>
#include <string.h>

#include "arrays.h"
#include "base.h"
#include "components.h"
#include "figures.h"
#include "frame.h"
#include "json.h"
#include "mask.h"
#include "step_blur.h"
#include "subject.h"

static void orient(const Options *options) {
  Frame stored = frame_of(options, "stored");
  int orientation = whole_setting(options, "orientation", 1, 8);
  bool exchanged = orientation >= 5;
  uint8_t *upright = allocate(area(stored.height, stored.width), 3);
  turn_upright(&stored, orientation, upright);
  int height = exchanged ? stored.width : stored.height, width = exchanged ? stored.height : stored.width;
  output_array(options, "upright", ARRAY_UINT8, SHAPE(height, width, 3), upright);
  free_frame(stored);
}

static void fit(const Options *options) {
  Frame frame = frame_of(options, "pixels");
  int height = whole_setting(options, "height", 1, 4096), width = whole_setting(options, "width", 1, 4096);
  uint8_t *input = allocate(area(height, width), 3);
  int32_t *sides = allocate(2, sizeof *sides);
  Used used = fit_frame(&frame, height, width, (Fit)name_setting(options, "fit", FIT_NAMES, 2), input);
  sides[0] = used.height;
  sides[1] = used.width;
  output_array(options, "input", ARRAY_UINT8, SHAPE(height, width, 3), input);
  output_array(options, "used", ARRAY_INT32, SHAPE(2), sides);
  free_frame(frame);
}

static void feed(const Options *options) {
  static const char *const TYPES[] = {"uint8", "int8", "float32"};
  Frame input = frame_of(options, "input");
  size_t count = 3 * area(input.height, input.width);
  double used[2], mean = number_setting(options, "mean", -1e6, 1e6), std = number_setting(options, "std", 1e-6, 1e6);
  numbers_setting(options, "used", used, 2);
  int type = name_setting(options, "dtype", TYPES, 3);
  void *tensor = allocate(count, sizeof(float));
  if (type == 0) memcpy(tensor, input.pixels, count);
  if (type == 1) feed_int8(input.pixels, count, tensor);
  if (type == 2)
    feed_float(input.pixels, input.height, input.width, (Used){(int)used[0], (int)used[1]}, (float)mean, (float)std,
               tensor);
  static const ArrayType WRITTEN[] = {ARRAY_UINT8, ARRAY_INT8, ARRAY_FLOAT32};
  output_array(options, "tensor", WRITTEN[type], SHAPE(1, input.height, input.width, 3), tensor);
  free_frame(input);
}

/* The subject's mask of an output; `box` and `facts` as a model's. */
static uint8_t *mask_of(const Options *options, Box *box, int *height, int *width) {
  double network[2], used[2];
  numbers_setting(options, "network", network, 2);
  numbers_setting(options, "used", used, 2);
  ModelFacts facts = {.kind = (Kind)name_setting(options, "output_kind", KIND_NAMES, 3)};
  facts.convention = (Convention)name_setting(options, "resize_convention", CONVENTION_NAMES, 3);
  facts.input_height = facts.network_height = clamp((int)network[0], 1, 4096);
  facts.input_width = facts.network_width = clamp((int)network[1], 1, 4096);
  Array array = input_array(options, "output", ARRAY_FLOAT32, 3);
  *height = array.shape[0];
  *width = array.shape[1];
  Output output = {array.data, *height, *width, array.shape[2]};
  *box = output_box(&facts, (Used){(int)used[0], (int)used[1]}, *height, *width);
  uint8_t *mask = allocate(area(*height, *width), 1);
  int most = facts.kind == KIND_LABELS ? 65535 : array.shape[2] - 1;
  class_mask(&output, &facts, whole_setting(options, "channel", 0, most), false, *box, mask);
  free(array.data);
  return mask;
}

static void mask(const Options *options) {
  Box box;
  int height, width;
  uint8_t *made = mask_of(options, &box, &height, &width);
  double *edges = allocate(4, sizeof *edges);
  memcpy(edges, &box, sizeof box);
  output_array(options, "mask", ARRAY_UINT8, SHAPE(height, width), made);
  output_array(options, "box", ARRAY_FLOAT64, SHAPE(4), edges);
}

static void photo_mask(const Options *options) {
  Array small = input_array(options, "mask", ARRAY_UINT8, 2);
  double edges[4];
  int height = whole_setting(options, "height", 1, 4096), width = whole_setting(options, "width", 1, 4096);
  numbers_setting(options, "box", edges, 4);
  Box box = {edges[0] > 0 ? edges[0] : 0, edges[1] > 0 ? edges[1] : 0, edges[2], edges[3]};
  if (box.right > small.shape[1]) box.right = small.shape[1];
  if (box.bottom > small.shape[0]) box.bottom = small.shape[0];
  uint8_t *made = allocate(area(height, width), 1);
  resize_bytes(small.data, small.shape[0], small.shape[1], 1, box, made, height, width);
  output_array(options, "mask", ARRAY_UINT8, SHAPE(height, width), made);
  free(small.data);
}

static void components(const Options *options) {
  Array made = input_array(options, "mask", ARRAY_UINT8, 2);
  int32_t *labels = allocate(area(made.shape[0], made.shape[1]), sizeof *labels);
  (void)component_labels(made.data, made.shape[0], made.shape[1], whole_setting(options, "diagonal", 0, 1) == 1,
                         labels);
  output_array(options, "labels", ARRAY_INT32, SHAPE(made.shape[0], made.shape[1]), labels);
  free(made.data);
}

static void holes(const Options *options) {
  Array values = input_array(options, "values", ARRAY_UINT8, 2);
  uint8_t *filled = allocate(area(values.shape[0], values.shape[1]), 1);
  fill_holes(values.data, values.shape[0], values.shape[1], filled);
  output_array(options, "filled", ARRAY_UINT8, SHAPE(values.shape[0], values.shape[1]), filled);
  free(values.data);
}

static void figures(const Options *options) {
  Array values = input_array(options, "values", ARRAY_UINT8, 2);
  Figures found = find_figures(values.data, values.shape[0], values.shape[1]);
  double *boxes = allocate((size_t)found.count, 4 * sizeof *boxes),
         *shares = allocate((size_t)found.count, sizeof *shares);
  for (int i = 0; i < found.count; i++) {
    memcpy(boxes + 4 * i, &found.figures[i], 4 * sizeof *boxes);
    shares[i] = found.figures[i].share;
  }
  output_array(options, "labels", ARRAY_INT32, SHAPE(values.shape[0], values.shape[1]), found.labels);
  output_array(options, "boxes", ARRAY_FLOAT64, SHAPE(found.count, 4), boxes);
  output_array(options, "shares", ARRAY_FLOAT64, SHAPE(found.count), shares);
  free(found.figures);
  free(values.data);
}

static void subject(const Options *options) {
  Box box;
  int height, width;
  double photo[2], focus[2] = {0, 0};
  numbers_setting(options, "photo", photo, 2);
  uint8_t *whole = mask_of(options, &box, &height, &width);
  SubjectChoice choice = {.keep = (Keep)name_setting(options, "keep", KEEP_NAMES, 4), .aspect = photo[1] / photo[0]};
  choice.has_focus = has_setting(options, "focus");
  if (choice.has_focus) numbers_setting(options, "focus", focus, 2);
  choice.focus_x = focus[0];
  choice.focus_y = focus[1];
  Subject found = choose_subject(whole, height, width, box, &choice, NULL, 0);
  output_array(options, "mask", ARRAY_UINT8, SHAPE(height, width), found.values);
  free(whole);
}

void run_step(const Options *options) {
  static const struct {
    const char *name;
    void (*run)(const Options *);
  } STEPS[] = {{"orient", orient},
               {"fit", fit},
               {"feed", feed},
               {"mask", mask},
               {"photo_mask", photo_mask},
               {"components", components},
               {"holes", holes},
               {"figures", figures},
               {"subject", subject},
               {"scale", step_scale},
               {"reduce", step_reduce},
               {"light", step_light},
               {"place", step_place},
               {"level", step_level},
               {"plan", step_plan},
               {"grain_level", step_grain_level},
               {"grain_tile", step_grain_tile},
               {"noise", step_noise},
               {"tile_kinds", step_tile_kinds},
               {"tiles", step_tiles}};
  for (size_t i = 0; i < sizeof STEPS / sizeof *STEPS; i++) {
    if (strcmp(STEPS[i].name, options->name) != 0) continue;
    json_object("result");
    json_array("arrays");
    STEPS[i].run(options);
    json_close();
    json_close();
    return;
  }
  fail(FAIL_USAGE, "no step is called %.100s; see docs/harness.md", options->name);
}
