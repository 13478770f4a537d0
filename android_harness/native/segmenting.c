#include "segmenting.h"

#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "json.h"
#include "timing.h"

static void check_input(const Model *model, const ModelFacts *facts) {
  if (model->input_count != 1)
    fail(FAIL_INPUT, "%s has %d inputs, expected one picture", model->path, model->input_count);
  const Tensor *input = &model->inputs[0];
  for (int i = 0; i < 3; i++) {
    static const int TYPES[] = {TYPE_FLOAT32, TYPE_UINT8, TYPE_INT8};
    if (is_picture(input, TYPES[i], facts->input_height, facts->input_width, 3)) return;
  }
  fail(FAIL_INPUT, "%s does not take a float32, uint8 or int8 picture of %d x %d; write the facts again", model->path,
       facts->input_width, facts->input_height);
}

static void check_output(Segmenting *segmenting) {
  const Model *model = &segmenting->model;
  const ModelFacts *facts = segmenting->facts;
  const Tensor *tensor = &model->outputs[0];
  bool one = model->output_count == 1 && tensor->shape[0] == 1;
  bool labels =
      facts->kind == KIND_LABELS && one && (tensor->rank == 3 || (tensor->rank == 4 && tensor->shape[3] == 1));
  bool scores = facts->kind != KIND_LABELS && one && tensor->rank == 4;
  int channels = scores ? tensor->shape[3] : 1, most = facts->channel;
  for (int i = 0; i < facts->held_count; i++) most = larger(most, facts->held[i]);
  if (!labels && !scores)
    fail(FAIL_INPUT, "%s does not put out one map of %s; write the facts again", model->path, KIND_NAMES[facts->kind]);
  if (scores && most >= channels)
    fail(FAIL_INPUT, "%s puts out %d channels, the facts name channel %d; write them again", model->path, channels,
         most);
  /* Masks are counted in int, and a photo's mask is small. */
  if (tensor->shape[1] > MAX_MAP_SIDE || tensor->shape[2] > MAX_MAP_SIDE)
    fail(FAIL_INPUT, "%s puts out %d x %d, at most %d a side are read", model->path, tensor->shape[2], tensor->shape[1],
         MAX_MAP_SIDE);
  segmenting->output = (Output){NULL, tensor->shape[1], tensor->shape[2], channels};
}

void open_segmenting(const Options *options, const ModelFacts *facts, Segmenting *segmenting) {
  *segmenting = (Segmenting){.options = options, .facts = facts};
  Model *model = &segmenting->model;
  open_model(options, "model", options->model, model);
  describe_model(model);
  check_input(model, facts);
  check_output(segmenting);
  size_t samples = (size_t)segmenting->output.height * (size_t)segmenting->output.width;
  segmenting->input = allocate((size_t)facts->input_height * (size_t)facts->input_width, 3);
  segmenting->fed = allocate(model->inputs[0].size, 1);
  segmenting->stored = allocate(model->outputs[0].size, 1);
  segmenting->values = allocate(element_count(&model->outputs[0]), sizeof(float));
  segmenting->output.values = segmenting->values;
  segmenting->mask = allocate(samples, 1);
  for (int i = 0; i < facts->held_count; i++) segmenting->held[i] = allocate(samples, 1);
}

static void feed(Segmenting *segmenting, Used used) {
  const ModelFacts *facts = segmenting->facts;
  const Tensor *input = &segmenting->model.inputs[0];
  if (input->type == TYPE_FLOAT32)
    feed_float(segmenting->input, facts->input_height, facts->input_width, used, (float)facts->mean, (float)facts->std,
               segmenting->fed);
  else if (input->type == TYPE_INT8)
    feed_int8(segmenting->input, input->size, segmenting->fed);
  else
    memcpy(segmenting->fed, segmenting->input, input->size);
  write_input(&segmenting->model, 0, segmenting->fed);
}

void run_segmenting(Segmenting *segmenting, const Frame *frame) {
  const ModelFacts *facts = segmenting->facts;
  const Options *options = segmenting->options;
  const Output *output = &segmenting->output;
  Used used = fit_frame(frame, facts->input_height, facts->input_width, facts->fit, segmenting->input);
  timing_lap("fit");
  feed(segmenting, used);
  timing_lap("segment_feed");
  invoke(&segmenting->model);
  timing_lap("segment_invoke");
  read_output(&segmenting->model, 0, segmenting->stored);
  timing_lap("segment_read");
  const Tensor *tensor = &segmenting->model.outputs[0];
  to_floats(tensor, segmenting->stored, facts->kind == KIND_LABELS, segmenting->values, element_count(tensor));
  segmenting->box = output_box(facts, used, output->height, output->width);
  class_mask(output, facts, facts->channel, facts->invert, segmenting->box, segmenting->mask);
  timing_lap("mask");
  for (int i = 0; i < facts->held_count; i++)
    class_mask(output, facts, facts->held[i], false, segmenting->box, segmenting->held[i]);
  SubjectChoice choice = {options->keep, options->has_focus, options->focus_x, options->focus_y,
                          (double)frame->width / frame->height};
  free(segmenting->subject.values);
  segmenting->subject = choose_subject(segmenting->mask, output->height, output->width, segmenting->box, &choice,
                                       segmenting->held, facts->held_count);
  timing_lap("subject");
}

void dump_segmenting(const Segmenting *segmenting) {
  const char *folder = segmenting->options->dump;
  size_t samples = (size_t)segmenting->output.height * (size_t)segmenting->output.width;
  dump(folder, "input", segmenting->fed, segmenting->model.inputs[0].size);
  dump(folder, "output", segmenting->stored, segmenting->model.outputs[0].size);
  dump(folder, "mask", segmenting->mask, samples);
  dump(folder, "subject", segmenting->subject.values, samples);
}

void describe_segmenting(const Segmenting *segmenting) {
  json_integer("mask_height", segmenting->output.height);
  json_integer("mask_width", segmenting->output.width);
  json_array("mask_box");
  json_number(NULL, segmenting->box.left);
  json_number(NULL, segmenting->box.top);
  json_number(NULL, segmenting->box.right);
  json_number(NULL, segmenting->box.bottom);
  json_close();
  json_number("subject_share", segmenting->subject.share);
  json_bool("subject_found", segmenting->subject.share >= MIN_SHARE);
  json_integer("figures", segmenting->subject.figures);
  json_integer("kept", segmenting->subject.kept);
}

void close_segmenting(Segmenting *segmenting) {
  free(segmenting->input);
  free(segmenting->fed);
  free(segmenting->stored);
  free(segmenting->values);
  free(segmenting->mask);
  free(segmenting->subject.values);
  for (int i = 0; i < segmenting->facts->held_count; i++) free(segmenting->held[i]);
  close_model(&segmenting->model);
}
