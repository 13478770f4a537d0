#include "running.h"

#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "json.h"
#include "litert.h"
#include "timing.h"

/* Files by tensor: FILE is for the next one, NAME=FILE for the one of that name. */
static void assign(const Repeated *given, const Tensor *tensors, int count, const char *what, const char **files) {
  int next = 0;
  for (int i = 0; i < given->count; i++) {
    const char *text = given->text[i], *equals = strchr(text, '=');
    int index = equals ? -1 : next++;
    for (int n = 0; equals && n < count; n++)
      if (strlen(tensors[n].name) == (size_t)(equals - text) &&
          strncmp(tensors[n].name, text, (size_t)(equals - text)) == 0)
        index = n;
    if (index < 0)
      fail(FAIL_USAGE, "the model has no %s called as in %.100s; leave the name out or mend it", what, text);
    if (index >= count) fail(FAIL_USAGE, "the model has %d %ss, more are given", count, what);
    if (files[index]) fail(FAIL_USAGE, "--%s %.100s: this one is given already", what, text);
    files[index] = equals ? equals + 1 : text;
  }
}

static void fill_inputs(Model *model, const char *const *files) {
  for (int i = 0; i < model->input_count; i++) {
    const Tensor *input = &model->inputs[i];
    void *data = files[i] ? read_exactly(files[i], input->size, input->name) : allocate(input->size, 1);
    write_input(model, i, data);
    free(data);
  }
}

void run_any_model(const Options *options) {
  Model model;
  const char *input_files[MAX_TENSORS] = {0}, *output_files[MAX_TENSORS] = {0};
  void *outputs[MAX_TENSORS];
  open_library(options);
  json_array("models");
  open_model(options, "model", options->model, &model);
  describe_model(&model);
  json_close();
  assign(&options->inputs, model.inputs, model.input_count, "input", input_files);
  assign(&options->outputs, model.outputs, model.output_count, "output", output_files);
  fill_inputs(&model, input_files);
  for (int i = 0; i < model.output_count; i++) outputs[i] = allocate(model.outputs[i].size, 1);
  while (timing_next(options)) {
    invoke(&model);
    timing_lap("invoke");
    /* A GPU's driver returns before the work is done; reading waits for it. */
    for (int i = 0; i < model.output_count; i++) read_output(&model, i, outputs[i]);
    timing_lap("read");
    timing_done();
  }
  for (int i = 0; i < model.output_count; i++) {
    if (output_files[i]) write_file(output_files[i], outputs[i], model.outputs[i].size);
    free(outputs[i]);
  }
  close_model(&model);
  describe_timing();
  json_object("result");
  json_close();
}
