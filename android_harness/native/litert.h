/* LiteRT's C API, opened at run time: a library, and models compiled with it. Fails instead of returning errors. */
#ifndef PORTRAITLITE_LITERT_H
#define PORTRAITLITE_LITERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "options.h"
#include "tensors.h"

enum { MAX_TENSORS = 16 };

typedef struct {
  const char *role, *path, *signature, *delegation; /* the last as in docs/harness.md */
  Tensor inputs[MAX_TENSORS], outputs[MAX_TENSORS];
  int input_count, output_count;
  bool fully_accelerated;
  double load_ms, compile_ms;
  void *model, *compiled;
} Model;

/* Opens --library and describes it. */
void open_library(const Options *options);
void close_library(void);

/* `role` is for the document; `path` must outlive the model. */
void open_model(const Options *options, const char *role, const char *path, Model *model);
void close_model(Model *model);

/* Packed bytes into an input, out of an output; `invoke` runs the model. */
void write_input(Model *model, int index, const void *data);
void invoke(Model *model);
void read_output(Model *model, int index, void *data);

/* Peak memory before models were loaded and around the latest compilation, in bytes, -1 unknown. */
typedef struct {
  int64_t before_load, before_compile, after_compile;
} Memory;
const Memory *model_memory(void);

/* An entry of "models". */
void describe_model(const Model *model);

#endif
