/* A model's inputs and outputs: what they are, and how their numbers are read. */
#ifndef PORTRAITLITE_TENSORS_H
#define PORTRAITLITE_TENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MAX_RANK = 8 };

typedef enum { TYPE_FLOAT32 = 1, TYPE_INT32 = 2, TYPE_UINT8 = 3, TYPE_INT64 = 4, TYPE_INT8 = 9 } ElementType;

typedef struct {
  const char *name;
  int type; /* an ElementType, or another number of LiteRT's */
  int rank, shape[MAX_RANK];
  float scale; /* 0: not quantized per tensor */
  int64_t zero_point;
  size_t size; /* packed bytes */
  void *buffer;
} Tensor;

/* Index by name; -1 where there is none. */
int find_tensor(const Tensor *tensors, int count, const char *name);

/* Whether a tensor is of this type and (1, height, width, channels). */
bool is_picture(const Tensor *tensor, int type, int height, int width, int channels);

size_t element_count(const Tensor *tensor);
/* Bytes of one element; 0 for types that are not listed above. */
size_t element_size(int type);

/* `count` stored values as real ones: (value - zero point) * scale; unscaled where `raw`. */
void to_floats(const Tensor *tensor, const void *stored, bool raw, float *values, size_t count);

/* An array of the document. */
void describe_tensors(const char *key, const Tensor *tensors, int count);

#endif
