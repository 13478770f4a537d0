/* The functions of LiteRT's C API that the harness calls, declared by hand for 2.2.0 and 2.3.0.
 *
 * The library exports no version and earlier ones have other arguments: the caller checks its sha256 first
 * (runtime-lock.toml). All return a status, 0 = fine; handles are opaque. */
#ifndef PORTRAITLITE_LITERT_API_H
#define PORTRAITLITE_LITERT_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
  unsigned rank : 7;
  unsigned has_strides : 1;
  int32_t dimensions[8];
  uint32_t strides[8];
} LiteRtLayout;

typedef struct {
  int element_type;
  LiteRtLayout layout;
} LiteRtTensorType;

typedef struct {
  float scale;
  int64_t zero_point;
} LiteRtPerTensor;

_Static_assert(sizeof(LiteRtLayout) == 68 && sizeof(LiteRtTensorType) == 72, "layout of the C API");

enum { HARDWARE_CPU = 1, HARDWARE_GPU = 2, HARDWARE_NPU = 4, LOCK_READ = 0, LOCK_WRITE = 1, QUANTIZED_PER_TENSOR = 1 };

#define LITERT_FUNCTIONS(X)                                                                                   \
  X(CreateEnvironment, (int count, const void *options, void **environment))                                  \
  X(DestroyEnvironment, (void *environment))                                                                  \
  X(CreateModelFromFile, (void *environment, const char *path, void **model))                                 \
  X(DestroyModel, (void *model))                                                                              \
  X(CreateOptions, (void **options))                                                                          \
  X(DestroyOptions, (void *options))                                                                          \
  X(SetOptionsHardwareAccelerators, (void *options, int set))                                                 \
  X(CreateOpaqueOptions, (const char *name, void *payload, void (*release)(void *), void **opaque))           \
  X(AddOpaqueOptions, (void *options, void *opaque))                                                          \
  X(CreateCompiledModel, (void *environment, void *model, void *options, void **compiled))                    \
  X(DestroyCompiledModel, (void *compiled))                                                                   \
  X(CompiledModelIsFullyAccelerated, (void *compiled, bool *fully))                                           \
  X(GetModelSignature, (void *model, size_t index, void **signature))                                         \
  X(GetSignatureKey, (void *signature, const char **key))                                                     \
  X(GetNumSignatureInputs, (void *signature, size_t *count))                                                  \
  X(GetNumSignatureOutputs, (void *signature, size_t *count))                                                 \
  X(GetSignatureInputName, (void *signature, size_t index, const char **name))                                \
  X(GetSignatureOutputName, (void *signature, size_t index, const char **name))                               \
  X(GetSignatureInputTensorByIndex, (void *signature, size_t index, void **tensor))                           \
  X(GetSignatureOutputTensorByIndex, (void *signature, size_t index, void **tensor))                          \
  X(GetRankedTensorType, (void *tensor, LiteRtTensorType *type))                                              \
  X(GetQuantizationTypeId, (void *tensor, int *kind))                                                         \
  X(GetPerTensorQuantization, (void *tensor, LiteRtPerTensor *quantization))                                  \
  X(GetCompiledModelInputBufferRequirements, (void *compiled, size_t signature, size_t index, void **needs))  \
  X(GetCompiledModelOutputBufferRequirements, (void *compiled, size_t signature, size_t index, void **needs)) \
  X(CreateManagedTensorBufferFromRequirements,                                                                \
    (void *environment, const LiteRtTensorType *type, void *needs, void **buffer))                            \
  X(DestroyTensorBuffer, (void *buffer))                                                                      \
  X(GetTensorBufferPackedSize, (void *buffer, size_t *size))                                                  \
  X(LockTensorBuffer, (void *buffer, void **memory, int mode))                                                \
  X(UnlockTensorBuffer, (void *buffer))                                                                       \
  X(RunCompiledModel, (void *compiled, size_t signature, size_t inputs, void **in, size_t outputs, void **out))

/* Told where they exist; nothing depends on them. */
#define LITERT_OPTIONAL_FUNCTIONS(X)                                       \
  X(CompiledModelIsNonCpuFullyAccelerated, (void *compiled, bool *fully))  \
  X(GetNumAccelerators, (void *environment, size_t *count))                \
  X(GetAccelerator, (void *environment, size_t index, void **accelerator)) \
  X(GetAcceleratorName, (void *accelerator, const char **name))            \
  X(GetAcceleratorHardwareSupport, (void *accelerator, int *set))

#define LITERT_DECLARE(name, arguments) typedef int(*name##Function) arguments;
LITERT_FUNCTIONS(LITERT_DECLARE)
LITERT_OPTIONAL_FUNCTIONS(LITERT_DECLARE)
#undef LITERT_DECLARE

#endif
