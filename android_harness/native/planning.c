#include "planning.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "json.h"
#include "tiles.h"
#include "timing.h"

char *graph_path(const char *folder, const char *name) {
  size_t length = strlen(folder) + strlen(name) + 2;
  char *path = allocate(length, 1);
  (void)snprintf(path, length, "%s/%s", folder, name);
  return path;
}

static int input_of(const Planning *planning, const char *name, int channels) {
  int index = find_tensor(planning->model.inputs, planning->model.input_count, name);
  if (index < 0 || !is_picture(&planning->model.inputs[index], TYPE_FLOAT32, planning->choice.plan_height,
                               planning->choice.plan_width, channels))
    fail(FAIL_INPUT, "%s has no float32 input %s of the plan's size; push graphs and facts of one version",
         planning->path, name);
  return index;
}

static void read_coc(Planning *planning) {
  const Options *options = planning->options;
  planning->look = (PlanOptions){.strength = options->strength, .highlights = options->highlights};
  if (!options->coc) return;
  size_t count = (size_t)options->coc_size.height * (size_t)options->coc_size.width;
  planning->coc = read_exactly(options->coc, count * sizeof(float), "the blur map");
  for (size_t i = 0; i < count; i++)
    if (!(planning->coc[i] >= 0 && planning->coc[i] <= 1))
      fail(FAIL_INPUT, "%s holds values outside 0..1; scale them", options->coc);
  planning->look.coc = planning->coc;
  planning->look.coc_map = (Map){
      options->coc_size.height, options->coc_size.width, {0, 0, options->coc_size.width, options->coc_size.height}};
}

void open_planning(const Options *options, const BlurFacts *facts, const Frame *frame, Planning *planning) {
  *planning =
      (Planning){.options = options, .facts = facts, .choice = choose_scale(frame->height, frame->width, facts)};
  read_coc(planning);
  char name[64];
  const char *orientation = planning->choice.portrait ? "portrait" : "landscape";
  int nearest = nearest_layer(frame, planning->choice, facts, &planning->look);
  if (nearest < 0)
    (void)snprintf(name, sizeof name, "plan_%s.tflite", orientation);
  else
    (void)snprintf(name, sizeof name, "plan_%s_%dto%d.tflite", orientation, nearest, nearest + 1);
  planning->path = graph_path(options->blur, name);
  Model *model = &planning->model;
  open_model(options, "plan", planning->path, model);
  describe_model(model);
  planning->rgb = input_of(planning, "rgb", 3);
  planning->mask = input_of(planning, "mask", 1);
  planning->coc_input = input_of(planning, "coc", 1);
  planning->boost = input_of(planning, "boost", 3);
  if (model->input_count != 4 || model->output_count != 1 ||
      !is_picture(&model->outputs[0], TYPE_FLOAT32, planning->choice.plan_height, planning->choice.plan_width,
                  PLAN_CHANNELS))
    fail(FAIL_INPUT, "%s is no plan graph of this size; push graphs and facts of one version", planning->path);
  planning->plan_size = model->outputs[0].size;
  planning->plan = allocate(planning->plan_size, 1);
}

void run_planning(Planning *planning, const Frame *frame, const uint8_t *mask, Map map) {
  Model *model = &planning->model;
  free_plan_inputs(&planning->inputs);
  planning->inputs = plan_inputs(frame, mask, map, planning->choice, planning->facts, &planning->look);
  timing_lap("plan_inputs");
  write_input(model, planning->rgb, planning->inputs.rgb);
  write_input(model, planning->mask, planning->inputs.mask);
  write_input(model, planning->coc_input, planning->inputs.coc);
  write_input(model, planning->boost, planning->inputs.boost);
  timing_lap("plan_feed");
  invoke(model);
  timing_lap("plan_invoke");
  read_output(model, 0, planning->plan);
  timing_lap("plan_read");
}

void dump_planning(const Planning *planning) {
  const char *folder = planning->options->dump;
  const Tensor *inputs = planning->model.inputs;
  if (!planning->inputs.rgb) return; /* strength 0, or nobody: there was no plan */
  dump(folder, "rgb", planning->inputs.rgb, inputs[planning->rgb].size);
  dump(folder, "plan_mask", planning->inputs.mask, inputs[planning->mask].size);
  dump(folder, "coc", planning->inputs.coc, inputs[planning->coc_input].size);
  dump(folder, "boost", planning->inputs.boost, inputs[planning->boost].size);
  dump(folder, "plan", planning->plan, planning->plan_size);
}

void close_planning(Planning *planning) {
  close_model(&planning->model);
  free_plan_inputs(&planning->inputs);
  free(planning->plan);
  free(planning->path);
  free(planning->coc);
}

void describe_choice(PlanChoice choice) {
  json_integer("scale", choice.scale);
  json_string("orientation", choice.portrait ? "portrait" : "landscape");
  json_integer("plan_height", choice.plan_height);
  json_integer("plan_width", choice.plan_width);
  json_integer("used_height", choice.used_height);
  json_integer("used_width", choice.used_width);
}
