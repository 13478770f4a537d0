#include "tensors.h"

#include <stdio.h>
#include <string.h>

#include "base.h"
#include "json.h"

size_t element_size(int type) {
  if (type == TYPE_UINT8 || type == TYPE_INT8) return 1;
  return type == TYPE_INT64 ? 8 : type == TYPE_FLOAT32 || type == TYPE_INT32 ? 4 : 0;
}

int find_tensor(const Tensor *tensors, int count, const char *name) {
  for (int i = 0; i < count; i++)
    if (strcmp(tensors[i].name, name) == 0) return i;
  return -1;
}

bool is_picture(const Tensor *tensor, int type, int height, int width, int channels) {
  const int shape[] = {1, height, width, channels};
  return tensor->type == type && tensor->rank == 4 && memcmp(tensor->shape, shape, sizeof shape) == 0;
}

size_t element_count(const Tensor *tensor) {
  size_t count = 1;
  for (int i = 0; i < tensor->rank; i++) count *= (size_t)tensor->shape[i];
  return count;
}

void to_floats(const Tensor *tensor, const void *stored, bool raw, float *values, size_t count) {
  float scale = raw || !(tensor->scale > 0) ? 1 : tensor->scale;
  float zero_point = raw || !(tensor->scale > 0) ? 0 : (float)tensor->zero_point;
  for (size_t i = 0; i < count; i++) {
    float value = 0;
    switch (tensor->type) {
      case TYPE_FLOAT32:
        value = ((const float *)stored)[i];
        break;
      case TYPE_INT32:
        value = (float)((const int32_t *)stored)[i];
        break;
      case TYPE_INT64:
        value = (float)((const int64_t *)stored)[i];
        break;
      case TYPE_UINT8:
        value = ((const uint8_t *)stored)[i];
        break;
      case TYPE_INT8:
        value = ((const int8_t *)stored)[i];
        break;
      default:
        fail(FAIL_INPUT, "output %.100s has a type that cannot be read as a mask; give another model", tensor->name);
    }
    values[i] = (value - zero_point) * scale;
  }
}

void describe_tensors(const char *key, const Tensor *tensors, int count) {
  json_array(key);
  for (int i = 0; i < count; i++) {
    const Tensor *tensor = &tensors[i];
    static const char *const NAMES[] = {[TYPE_FLOAT32] = "float32",
                                        [TYPE_INT32] = "int32",
                                        [TYPE_UINT8] = "uint8",
                                        [TYPE_INT64] = "int64",
                                        [TYPE_INT8] = "int8"};
    char other[24];
    (void)snprintf(other, sizeof other, "type_%d", tensor->type);
    json_object(NULL);
    json_string("name", tensor->name);
    json_string("dtype", element_size(tensor->type) ? NAMES[tensor->type] : other);
    json_array("shape");
    for (int n = 0; n < tensor->rank; n++) json_integer(NULL, tensor->shape[n]);
    json_close();
    json_integer("size_bytes", (int64_t)tensor->size);
    json_number("scale", (double)tensor->scale);
    json_integer("zero_point", tensor->zero_point);
    json_close();
  }
  json_close();
}
