#include "litert.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "crash.h"
#include "json.h"
#include "litert_api.h"
#include "machine.h"
#include "sha256.h"
#include "timing.h"

enum { MAX_MODEL_BYTES = 512 << 20, MAX_TENSOR_BYTES = 1 << 30, MAX_LISTED = 16 };

#define LITERT_POINTER(name, arguments) static name##Function name;
LITERT_FUNCTIONS(LITERT_POINTER)
LITERT_OPTIONAL_FUNCTIONS(LITERT_POINTER)
#undef LITERT_POINTER

static void *library, *environment;
static int hardware; /* of all registered accelerators */
static Memory memory = {-1, -1, -1};

#define CHECK(what, call)                                                                                        \
  do {                                                                                                           \
    int status_ = (call);                                                                                        \
    if (status_ != 0)                                                                                            \
      fail(FAIL_LITERT, "LiteRT refuses %s (%s, status %d); try another library version", what, #call, status_); \
  } while (0)

/* POSIX lets dlsym's result be a function; ISO C has no cast for it. */
static void resolve(const char *name, void *pointer, size_t size, bool optional) {
  void *found = dlsym(library, name);
  if (!found && !optional) fail(FAIL_LIBRARY, "the library has no %s; take LiteRT 2.2.0 or later", name);
  memcpy(pointer, &found, size);
}

static void describe_accelerators(void) {
  size_t count = 0;
  json_array("accelerators");
  if (GetNumAccelerators && GetAccelerator && GetAcceleratorHardwareSupport &&
      GetNumAccelerators(environment, &count) == 0)
    for (size_t i = 0; i < count && i < MAX_LISTED; i++) {
      void *accelerator;
      const char *name = NULL;
      int set = 0;
      if (GetAccelerator(environment, i, &accelerator) != 0) continue;
      if (GetAcceleratorName && GetAcceleratorName(accelerator, &name) != 0) name = NULL;
      if (GetAcceleratorHardwareSupport(accelerator, &set) != 0) set = 0;
      hardware |= set;
      json_object(NULL);
      json_string("name", name);
      json_array("hardware");
      for (int bit = 0; bit < 3; bit++)
        if (set >> bit & 1) json_string(NULL, ACCELERATOR_NAMES[bit]);
      json_close();
      json_close();
    }
  json_close();
}

void open_library(const Options *options) {
  char digest[SHA256_TEXT];
  /* A bare name would be searched for elsewhere, and the digest would be another file's. */
  if (!strchr(options->library, '/'))
    fail(FAIL_USAGE, "--library %s is no path; give ./%s", options->library, options->library);
  sha256_of_file(options->library, digest);
  json_object("library");
  json_string("path", options->library);
  json_integer("size_bytes", file_size(options->library));
  json_string("sha256", digest);
  now_doing("opening the library");
  library = dlopen(options->library, RTLD_NOW | RTLD_LOCAL);
  if (!library) fail(FAIL_LIBRARY, "the library cannot be loaded (%s); take the one for this ABI and libc", dlerror());
#define LITERT_RESOLVE(name, arguments) resolve("LiteRt" #name, &name, sizeof name, false);
#define LITERT_RESOLVE_OPTIONAL(name, arguments) resolve("LiteRt" #name, &name, sizeof name, true);
  LITERT_FUNCTIONS(LITERT_RESOLVE)
  LITERT_OPTIONAL_FUNCTIONS(LITERT_RESOLVE_OPTIONAL)
  CHECK("to start", CreateEnvironment(0, NULL, &environment));
  describe_accelerators();
  json_close();
}

void close_library(void) {
  if (environment) (void)DestroyEnvironment(environment);
  environment = NULL;
  /* The library stays: its threads and destructors may still need its code. */
}

/* CPU options travel as an opaque payload: the name "xnnpack" and a TOML text that LiteRT frees. */
static void *make_options(const Options *options, int set) {
  void *made, *opaque;
  char *toml = allocate(128, 1);
  (void)snprintf(toml, 128, "kernel_mode = \"%s\"\nnum_threads = %d\n", KERNEL_NAMES[options->kernel],
                 options->threads);
  CHECK("options", CreateOptions(&made));
  CHECK("this accelerator", SetOptionsHardwareAccelerators(made, set));
  CHECK("CPU options", CreateOpaqueOptions("xnnpack", toml, free, &opaque));
  CHECK("CPU options", AddOpaqueOptions(made, opaque));
  return made;
}

static void make_tensor(const Model *model, const char *name, void *handle, void *needs, Tensor *tensor) {
  LiteRtTensorType type;
  LiteRtPerTensor quantization = {0, 0};
  int kind = 0;
  size_t count = 1;
  CHECK("a tensor", GetRankedTensorType(handle, &type));
  tensor->name = name;
  tensor->type = type.element_type;
  tensor->rank = (int)type.layout.rank;
  if (tensor->rank > MAX_RANK)
    fail(FAIL_INPUT, "%s: tensor %.100s has %d dimensions, at most 8 are read", model->path, name, tensor->rank);
  for (int i = 0; i < tensor->rank; i++) {
    int side = type.layout.dimensions[i];
    if (side < 1 || count > (size_t)MAX_TENSOR_BYTES / (size_t)side)
      fail(FAIL_INPUT, "%s: tensor %.100s has a side of %d; give a model of fixed and reasonable size", model->path,
           name, side);
    tensor->shape[i] = side;
    count *= (size_t)side;
  }
  CHECK("a tensor", GetQuantizationTypeId(handle, &kind));
  if (kind == QUANTIZED_PER_TENSOR) CHECK("a tensor", GetPerTensorQuantization(handle, &quantization));
  tensor->scale = quantization.scale;
  tensor->zero_point = quantization.zero_point;
  CHECK("memory for a tensor", CreateManagedTensorBufferFromRequirements(environment, &type, needs, &tensor->buffer));
  CHECK("a tensor", GetTensorBufferPackedSize(tensor->buffer, &tensor->size));
  size_t expected = count * element_size(tensor->type);
  if (expected > 0 && tensor->size != expected)
    fail(FAIL_LITERT, "LiteRT packs tensor %.100s into %zu bytes, not %zu; try another library version", name,
         tensor->size, expected);
}

static void make_tensors(Model *model, void *signature) {
  size_t inputs, outputs;
  CHECK("the signature", GetNumSignatureInputs(signature, &inputs));
  CHECK("the signature", GetNumSignatureOutputs(signature, &outputs));
  if (inputs > MAX_TENSORS || outputs > MAX_TENSORS)
    fail(FAIL_INPUT, "%s has %zu inputs and %zu outputs, at most %d of each are run", model->path, inputs, outputs,
         MAX_TENSORS);
  for (size_t i = 0; i < inputs + outputs; i++) {
    void *handle, *needs;
    const char *name;
    size_t index = i < inputs ? i : i - inputs;
    if (i < inputs) {
      CHECK("an input", GetSignatureInputName(signature, index, &name));
      CHECK("an input", GetSignatureInputTensorByIndex(signature, index, &handle));
      CHECK("an input", GetCompiledModelInputBufferRequirements(model->compiled, 0, index, &needs));
    } else {
      CHECK("an output", GetSignatureOutputName(signature, index, &name));
      CHECK("an output", GetSignatureOutputTensorByIndex(signature, index, &handle));
      CHECK("an output", GetCompiledModelOutputBufferRequirements(model->compiled, 0, index, &needs));
    }
    make_tensor(model, name, handle, needs, i < inputs ? &model->inputs[index] : &model->outputs[index]);
  }
  model->input_count = (int)inputs;
  model->output_count = (int)outputs;
}

static void check_file(const char *path) {
  size_t size;
  char head[8] = {0};
  if (file_size(path) > MAX_MODEL_BYTES)
    fail(FAIL_INPUT, "%s has more than %d bytes; give a smaller model", path, MAX_MODEL_BYTES);
  FILE *file = fopen(path, "rb");
  size = file ? fread(head, 1, sizeof head, file) : 0;
  if (file) (void)fclose(file);
  if (size < sizeof head || memcmp(head + 4, "TFL3", 4) != 0) fail(FAIL_INPUT, "%s is no .tflite file; give one", path);
}

/* With the asked accelerator, or on the CPU alone where that one is not there or cannot start. */
static void compile(const Options *options, Model *model) {
  static const int BITS[] = {HARDWARE_CPU, HARDWARE_GPU, HARDWARE_NPU};
  int bit = BITS[options->accelerator];
  /* A library that does not list its accelerators is believed. */
  bool there = hardware == 0 || (hardware & bit) != 0;
  for (;;) {
    void *made = make_options(options, there ? bit | HARDWARE_CPU : HARDWARE_CPU);
    int status = CreateCompiledModel(environment, model->model, made, &model->compiled);
    (void)DestroyOptions(made);
    if (status == 0) break;
    if (!there || bit == HARDWARE_CPU)
      fail(FAIL_LITERT, "LiteRT cannot compile %s (status %d); try another model or library", model->path, status);
    there = false;
  }
  bool fully = false;
  if (bit != HARDWARE_CPU && CompiledModelIsNonCpuFullyAccelerated)
    CHECK("the model", CompiledModelIsNonCpuFullyAccelerated(model->compiled, &fully));
  else
    CHECK("the model", CompiledModelIsFullyAccelerated(model->compiled, &fully));
  model->fully_accelerated = there && fully;
  model->delegation = !there ? "unavailable" : fully ? "full" : "partial_or_none";
}

void open_model(const Options *options, const char *role, const char *path, Model *model) {
  void *signature;
  *model = (Model){.role = role, .path = path};
  check_file(path);
  if (memory.before_load < 0) memory.before_load = peak_memory_bytes();
  now_doing("loading a model");
  double start = now_ms();
  CHECK("the model", CreateModelFromFile(environment, path, &model->model));
  double loaded = now_ms();
  if (memory.before_compile < 0) memory.before_compile = peak_memory_bytes();
  now_doing("compiling a model");
  compile(options, model);
  model->load_ms = loaded - start;
  model->compile_ms = now_ms() - loaded;
  memory.after_compile = peak_memory_bytes();
  CHECK("the signature", GetModelSignature(model->model, 0, &signature));
  CHECK("the signature", GetSignatureKey(signature, &model->signature));
  make_tensors(model, signature);
  now_doing("running a model");
}

void close_model(Model *model) {
  if (!model->model) return;
  for (int i = 0; i < model->input_count; i++) (void)DestroyTensorBuffer(model->inputs[i].buffer);
  for (int i = 0; i < model->output_count; i++) (void)DestroyTensorBuffer(model->outputs[i].buffer);
  (void)DestroyCompiledModel(model->compiled);
  (void)DestroyModel(model->model);
  model->model = NULL;
}

void write_input(Model *model, int index, const void *data) {
  void *target;
  CHECK("an input", LockTensorBuffer(model->inputs[index].buffer, &target, LOCK_WRITE));
  memcpy(target, data, model->inputs[index].size);
  CHECK("an input", UnlockTensorBuffer(model->inputs[index].buffer));
}

void invoke(Model *model) {
  void *in[MAX_TENSORS], *out[MAX_TENSORS];
  for (int i = 0; i < model->input_count; i++) in[i] = model->inputs[i].buffer;
  for (int i = 0; i < model->output_count; i++) out[i] = model->outputs[i].buffer;
  CHECK("to run",
        RunCompiledModel(model->compiled, 0, (size_t)model->input_count, in, (size_t)model->output_count, out));
}

void read_output(Model *model, int index, void *data) {
  void *source;
  CHECK("an output", LockTensorBuffer(model->outputs[index].buffer, &source, LOCK_READ));
  memcpy(data, source, model->outputs[index].size);
  CHECK("an output", UnlockTensorBuffer(model->outputs[index].buffer));
}

const Memory *model_memory(void) { return &memory; }

void describe_model(const Model *model) {
  char digest[SHA256_TEXT];
  sha256_of_file(model->path, digest);
  json_object(NULL);
  json_string("role", model->role);
  json_string("path", model->path);
  json_integer("size_bytes", file_size(model->path));
  json_string("sha256", digest);
  json_string("signature", model->signature);
  json_milliseconds("load_ms", model->load_ms);
  json_milliseconds("compile_ms", model->compile_ms);
  json_bool("fully_accelerated", model->fully_accelerated);
  json_string("delegation", model->delegation);
  describe_tensors("inputs", model->inputs, model->input_count);
  describe_tensors("outputs", model->outputs, model->output_count);
  json_close();
}
