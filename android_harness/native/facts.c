#include "facts.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"

enum { MAX_FACTS_BYTES = 1 << 16, MAX_INPUT_SIDE = 4096, MAX_PLAN_SIDE = 4096, MAX_SCALE = 256, MAX_CHANNEL = 65535 };

const char *const FIT_NAMES[2] = {"stretch", "pad"};
const char *const KIND_NAMES[3] = {"labels", "logits", "confidence"};
const char *const CONVENTION_NAMES[3] = {"align_corners", "legacy", "half_pixel"};

bool parse_integer(const char *text, int64_t least, int64_t most, int64_t *value) {
  char *end;
  errno = 0;
  long long found = strtoll(text, &end, 10);
  if (end == text || *end || errno || found < least || found > most) return false;
  *value = found;
  return true;
}

bool parse_number(const char *text, double least, double most, double *value) {
  char *end;
  double found = strtod(text, &end);
  if (end == text || *end || !isfinite(found) || found < least || found > most) return false;
  *value = found;
  return true;
}

bool parse_size(const char *text, int most, int *width, int *height) {
  char *end;
  long w = strtol(text, &end, 10);
  if (end == text || *end != 'x' || w < 1 || w > most) return false;
  const char *rest = end + 1;
  long h = strtol(rest, &end, 10);
  if (end == rest || *end || h < 1 || h > most) return false;
  *width = (int)w;
  *height = (int)h;
  return true;
}

bool parse_numbers(const char *text, double *values, int count, double least, double most) {
  char copy[200];
  if (strlen(text) >= sizeof copy) return false;
  memcpy(copy, text, strlen(text) + 1);
  char *at = copy;
  for (int i = 0; i < count; i++) {
    char *comma = strchr(at, ',');
    if ((comma != NULL) != (i < count - 1)) return false;
    if (comma) *comma = 0;
    if (!parse_number(at, least, most, &values[i])) return false;
    if (comma) at = comma + 1;
  }
  return true;
}

int parse_list(const char *text, int least, int most, int *values, int capacity) {
  int count = 0;
  while (*text) {
    char *end;
    long value = strtol(text, &end, 10);
    if (end == text || (*end && *end != ',') || value < least || value > most || count == capacity) return -1;
    if (*end == ',' && !end[1]) return -1;
    values[count++] = (int)value;
    text = *end ? end + 1 : end;
  }
  return count;
}

int parse_name(const char *text, const char *const *names, int count) {
  for (int i = 0; i < count; i++)
    if (strcmp(text, names[i]) == 0) return i;
  return -1;
}

static const char *const KEYS[] = {"input",      "network",     "fit",        "mean",       "std",       "kind",
                                   "convention", "channel",     "invert",     "held",       "long_side", "short_side",
                                   "scales",     "tile_height", "tile_width", "max_radius", "layers",    "noise_seed"};
enum { KEY_COUNT = sizeof KEYS / sizeof *KEYS };

static const char *value_of(const char *path, char *const *values, const char *key) {
  const char *value = values[parse_name(key, KEYS, KEY_COUNT)];
  if (!value) fail(FAIL_INPUT, "%s has no %s; write the facts again", path, key);
  return value;
}

__attribute__((noreturn)) static void senseless(const char *path, const char *key, const char *value) {
  fail(FAIL_INPUT, "%s: %s=%.100s makes no sense; write the facts again", path, key, value);
}

static int integer(const char *path, char *const *values, const char *key, int least, int most) {
  const char *text = value_of(path, values, key);
  int64_t value;
  if (!parse_integer(text, least, most, &value)) senseless(path, key, text);
  return (int)value;
}

static double number(const char *path, char *const *values, const char *key, double least, double most) {
  const char *text = value_of(path, values, key);
  double value;
  if (!parse_number(text, least, most, &value)) senseless(path, key, text);
  return value;
}

static void size(const char *path, char *const *values, const char *key, int *width, int *height) {
  const char *text = value_of(path, values, key);
  if (!parse_size(text, MAX_INPUT_SIDE, width, height)) senseless(path, key, text);
}

static int name(const char *path, char *const *values, const char *key, const char *const *names, int count) {
  const char *text = value_of(path, values, key);
  int index = parse_name(text, names, count);
  if (index < 0) senseless(path, key, text);
  return index;
}

static int list(const char *path, char *const *values, const char *key, int least, int most, int *into, int capacity) {
  const char *text = value_of(path, values, key);
  int count = parse_list(text, least, most, into, capacity);
  if (count < 0) senseless(path, key, text);
  return count;
}

static void split_lines(const char *path, char *text, char **values) {
  for (char *line = text, *next; line && *line; line = next) {
    next = strchr(line, '\n');
    if (next) *next++ = 0;
    if (*line == '#' || !*line) continue;
    char *equals = strchr(line, '=');
    if (!equals) fail(FAIL_INPUT, "%s: no KEY=VALUE line: %.100s", path, line);
    *equals = 0;
    int index = parse_name(line, KEYS, KEY_COUNT);
    if (index < 0) fail(FAIL_INPUT, "%s: unknown key %.100s; use program and driver of one version", path, line);
    if (values[index]) fail(FAIL_INPUT, "%s has %s twice; write the facts again", path, line);
    values[index] = equals + 1;
  }
}

void read_facts(const char *path, ModelFacts *model, BlurFacts *blur) {
  size_t length;
  char *text = read_file(path, MAX_FACTS_BYTES, &length);
  char *values[KEY_COUNT] = {0};
  split_lines(path, text, values);
  if (model) {
    size(path, values, "input", &model->input_width, &model->input_height);
    size(path, values, "network", &model->network_width, &model->network_height);
    model->fit = (Fit)name(path, values, "fit", FIT_NAMES, 2);
    model->mean = number(path, values, "mean", -1e6, 1e6);
    model->std = number(path, values, "std", 1e-6, 1e6);
    model->kind = (Kind)name(path, values, "kind", KIND_NAMES, 3);
    model->convention = (Convention)name(path, values, "convention", CONVENTION_NAMES, 3);
    model->channel = integer(path, values, "channel", 0, MAX_CHANNEL);
    model->invert = integer(path, values, "invert", 0, 1) == 1;
    model->held_count = list(path, values, "held", 0, MAX_CHANNEL, model->held, MAX_HELD);
  }
  if (blur) {
    blur->long_side = integer(path, values, "long_side", 1, MAX_PLAN_SIDE);
    blur->short_side = integer(path, values, "short_side", 1, blur->long_side);
    blur->scale_count = list(path, values, "scales", 1, MAX_SCALE, blur->scales, MAX_SCALES);
    for (int i = 0; i < blur->scale_count; i++)
      if (i > 0 && blur->scales[i] <= blur->scales[i - 1]) senseless(path, "scales", value_of(path, values, "scales"));
    if (blur->scale_count == 0) senseless(path, "scales", "");
    /* Tiles are rounded to multiples of the scale, so they must not be smaller than the largest. */
    blur->tile_height = integer(path, values, "tile_height", blur->scales[blur->scale_count - 1], MAX_PLAN_SIDE);
    blur->tile_width = integer(path, values, "tile_width", blur->scales[blur->scale_count - 1], MAX_PLAN_SIDE);
    blur->max_radius = number(path, values, "max_radius", 0.001, 1000);
    blur->layers = integer(path, values, "layers", 2, 1000);
    int64_t seed;
    const char *text_of_seed = value_of(path, values, "noise_seed");
    if (!parse_integer(text_of_seed, 0, UINT32_MAX, &seed)) senseless(path, "noise_seed", text_of_seed);
    blur->noise_seed = seed;
  }
  free(text);
}
