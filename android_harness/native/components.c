#include "components.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"

static const double GROWTH = 1.0 / 12; /* of the longer side */

static int32_t root_of(int32_t *parent, int32_t node) {
  while (parent[node] != node) {
    parent[node] = parent[parent[node]];
    node = parent[node];
  }
  return node;
}

static void join(int32_t *parent, int32_t a, int32_t b) {
  a = root_of(parent, a);
  b = root_of(parent, b);
  if (a < b)
    parent[b] = a;
  else
    parent[a] = b;
}

int32_t component_labels(const uint8_t *mask, int height, int width, bool diagonal, int32_t *labels) {
  size_t count = (size_t)height * (size_t)width;
  int32_t *parent = allocate(count, sizeof *parent), parts = 0;
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++) {
      int32_t i = y * width + x;
      parent[i] = i;
      if (!mask[i]) continue;
      if (x > 0 && mask[i - 1]) join(parent, i, i - 1);
      if (y == 0) continue;
      if (mask[i - width]) join(parent, i, i - width);
      if (diagonal && x > 0 && mask[i - width - 1]) join(parent, i, i - width - 1);
      if (diagonal && x < width - 1 && mask[i - width + 1]) join(parent, i, i - width + 1);
    }
  /* A root is its part's first sample, so it is met before the others. */
  for (int32_t i = 0; i < (int32_t)count; i++) {
    if (!mask[i]) {
      labels[i] = 0;
      continue;
    }
    int32_t root = root_of(parent, i);
    labels[i] = root == i ? ++parts : labels[root];
  }
  free(parent);
  return parts;
}

void grow_labels(int32_t *labels, const uint8_t *where, int height, int width) {
  size_t count = (size_t)height * (size_t)width;
  int32_t *before = allocate(count, sizeof *before);
  int rounds = (int)ceil(GROWTH * larger(height, width));
  bool grown = true;
  for (int round = 0; round < rounds && grown; round++) {
    memcpy(before, labels, count * sizeof *before);
    grown = false;
    for (int y = 0; y < height; y++)
      for (int x = 0; x < width; x++) {
        int32_t i = y * width + x, nearest = INT32_MAX;
        if (!where[i] || before[i] != 0) continue;
        if (y > 0 && before[i - width] > 0 && before[i - width] < nearest) nearest = before[i - width];
        if (y < height - 1 && before[i + width] > 0 && before[i + width] < nearest) nearest = before[i + width];
        if (x > 0 && before[i - 1] > 0 && before[i - 1] < nearest) nearest = before[i - 1];
        if (x < width - 1 && before[i + 1] > 0 && before[i + 1] < nearest) nearest = before[i + 1];
        if (nearest == INT32_MAX) continue;
        labels[i] = nearest;
        grown = true;
      }
  }
  free(before);
}

void dilate(const uint8_t *mask, int height, int width, int reach, uint8_t *out) {
  memset(out, 0, (size_t)height * (size_t)width);
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++) {
      if (!mask[(size_t)y * (size_t)width + (size_t)x]) continue;
      int left = larger(0, x - reach), right = smaller(width - 1, x + reach);
      for (int row = larger(0, y - reach); row <= smaller(height - 1, y + reach); row++)
        memset(out + (size_t)row * (size_t)width + left, 1, (size_t)(right - left + 1));
    }
}
