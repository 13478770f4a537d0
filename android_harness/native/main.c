/* portraitlite_harness: the portrait path, any stage of it, or any .tflite, timed. docs/harness.md describes it. */
#include "base.h"
#include "crash.h"
#include "json.h"
#include "litert.h"
#include "machine.h"
#include "options.h"
#include "path.h"
#include "running.h"
#include "step.h"

static void describe_settings(const Options *options) {
  json_object("settings");
  json_integer("threads", options->threads);
  json_string("accelerator", ACCELERATOR_NAMES[options->accelerator]);
  json_string("kernel", KERNEL_NAMES[options->kernel]);
  json_integer("warm_up", options->warm_up);
  json_integer("runs", options->runs);
  json_number("min_seconds", options->min_seconds);
  json_number("max_seconds", options->max_seconds);
  json_close();
}

static void describe_memory(void) {
  const Memory *memory = model_memory();
  json_object("memory");
  json_bytes("peak_before_load_bytes", memory->before_load);
  json_bytes("peak_before_compile_bytes", memory->before_compile);
  json_bytes("peak_after_compile_bytes", memory->after_compile);
  json_bytes("peak_bytes", peak_memory_bytes());
  json_close();
}

static void info(const Options *options) {
  if (options->library) open_library(options);
  json_object("result");
  json_close();
}

int main(int argc, char **argv) {
  static void (*const MODES[])(const Options *) = {
      [MODE_INFO] = info,       [MODE_RUN] = run_any_model,     [MODE_SEGMENT] = run_segment, [MODE_PLAN] = run_plan,
      [MODE_APPLY] = run_apply, [MODE_PORTRAIT] = run_portrait, [MODE_STEP] = run_step};
  Options options;
  int output = json_claim_stdout();
  parse_options(argc, argv, &options);
  watch_for_crashes(MODE_NAMES[options.mode], output);
  use_cpus(options.cpus);
  describe_machine(options.cpus);
  bool measured = options.mode != MODE_INFO && options.mode != MODE_STEP;
  if (measured) describe_settings(&options);
  MODES[options.mode](&options);
  if (measured) {
    json_integer("cpu_at_end", current_cpu());
    describe_memory();
  }
  close_library();
  json_finish(0, NULL, NULL);
  return 0;
}
