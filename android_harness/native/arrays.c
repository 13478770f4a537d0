#include "arrays.h"

#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "json.h"

static const char *const TYPE_NAMES[] = {"uint8", "int8", "int32", "float32", "float64"};
static const size_t TYPE_SIZES[] = {1, 1, 4, 4, 8};
enum { TYPE_COUNT = 5 };

/* What stands behind NAME= in one of the texts. */
static const char *find(const Repeated *all, const char *name) {
  size_t length = strlen(name);
  for (int i = 0; i < all->count; i++)
    if (strncmp(all->text[i], name, length) == 0 && all->text[i][length] == '=') return all->text[i] + length + 1;
  return NULL;
}

bool has_array(const Options *options, const char *name) { return find(&options->arrays, name) != NULL; }

/* Type and shape; returns the file. */
static const char *parse_array(const Options *options, const char *name, Array *array) {
  const char *text = find(&options->arrays, name);
  if (!text) fail(FAIL_USAGE, "step %s needs --array %s=DTYPE:SHAPE:FILE", options->name, name);
  int type = 0;
  while (type < TYPE_COUNT &&
         !(strncmp(text, TYPE_NAMES[type], strlen(TYPE_NAMES[type])) == 0 && text[strlen(TYPE_NAMES[type])] == ':'))
    type++;
  if (type == TYPE_COUNT) fail(FAIL_USAGE, "--array %s=%.100s: no dtype that is known", name, text);
  *array = (Array){.shape = {1, 1, 1, 1}, .type = (ArrayType)type};
  const char *at = text + strlen(TYPE_NAMES[type]) + 1;
  for (;;) {
    char *end;
    long side = strtol(at, &end, 10);
    if (end == at || side < 1 || side > MAX_SIDE || (*end != 'x' && *end != ':') || array->rank == MAX_DIMENSIONS)
      fail(FAIL_USAGE, "--array %s=%.100s: no shape such as 13x17x3", name, text);
    array->shape[array->rank++] = (int)side;
    at = end + 1;
    if (*end == ':') return at;
  }
}

ArrayType array_type(const Options *options, const char *name) {
  Array array;
  (void)parse_array(options, name, &array);
  return array.type;
}

Array input_array(const Options *options, const char *name, ArrayType type, int rank) {
  Array array;
  const char *file = parse_array(options, name, &array);
  if (array.type != type || array.rank != rank)
    fail(FAIL_USAGE, "step %s needs %s as %s of %d dimensions", options->name, name, TYPE_NAMES[type], rank);
  int64_t size = (int64_t)TYPE_SIZES[type];
  for (int i = 0; i < rank; i++) {
    size *= array.shape[i];
    if (size > 3LL * MAX_PIXELS) fail(FAIL_USAGE, "--array %s is too large", name);
  }
  array.data = read_exactly(file, (size_t)size, name);
  return array;
}

bool has_setting(const Options *options, const char *key) { return find(&options->settings, key) != NULL; }

const char *setting(const Options *options, const char *key) {
  const char *value = find(&options->settings, key);
  if (!value) fail(FAIL_USAGE, "step %s needs --set %s=VALUE", options->name, key);
  return value;
}

__attribute__((noreturn)) static void senseless(const char *key, const char *value) {
  fail(FAIL_USAGE, "--set %s=%.100s makes no sense", key, value);
}

int whole_setting(const Options *options, const char *key, int least, int most) {
  int64_t value;
  if (!parse_integer(setting(options, key), least, most, &value)) senseless(key, setting(options, key));
  return (int)value;
}

double number_setting(const Options *options, const char *key, double least, double most) {
  double value;
  if (!parse_number(setting(options, key), least, most, &value)) senseless(key, setting(options, key));
  return value;
}

int name_setting(const Options *options, const char *key, const char *const *names, int count) {
  int index = parse_name(setting(options, key), names, count);
  if (index < 0) senseless(key, setting(options, key));
  return index;
}

void numbers_setting(const Options *options, const char *key, double *values, int count) {
  if (!parse_numbers(setting(options, key), values, count, -1e9, 1e9)) senseless(key, setting(options, key));
}

void output_array(const Options *options, const char *name, ArrayType type, const int shape[MAX_DIMENSIONS],
                  void *data) {
  size_t size = TYPE_SIZES[type];
  json_object(NULL);
  json_string("name", name);
  json_string("dtype", TYPE_NAMES[type]);
  json_array("shape");
  for (int i = 0; i < MAX_DIMENSIONS && shape[i] > 0; i++) {
    json_integer(NULL, shape[i]);
    size *= (size_t)shape[i];
  }
  json_close();
  json_close();
  dump(options->dump, name, data, size);
  free(data);
}

Frame frame_of(const Options *options, const char *name) {
  Array array = input_array(options, name, ARRAY_UINT8, 3);
  if (array.shape[2] != 3) fail(FAIL_USAGE, "%s has %d channels, expected 3", name, array.shape[2]);
  return (Frame){array.data, array.shape[0], array.shape[1]};
}

void free_frame(Frame frame) { free((void *)(uintptr_t)frame.pixels); }
