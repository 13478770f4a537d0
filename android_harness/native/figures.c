#include "figures.h"

#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "components.h"

enum { HOLE_DOUBT = 32 };
static const double HOLE_SHARE = 0.01, SPECK_SHARE = 0.005;

static int32_t *areas(const int32_t *labels, size_t size, int32_t count) {
  int32_t *area = allocate((size_t)count + 1, sizeof *area);
  for (size_t i = 0; i < size; i++) area[labels[i]]++;
  return area;
}

/* 1 for the numbers of parts that are to be filled. */
static uint8_t *find_holes(const uint8_t *values, const int32_t *labels, int height, int width, int32_t count) {
  size_t size = (size_t)height * (size_t)width, pitch = (size_t)width;
  int32_t *area = areas(labels, size, count);
  uint8_t *hole = allocate((size_t)count + 1, 1), *lowest = allocate((size_t)count + 1, 1);
  memset(lowest, 255, (size_t)count + 1);
  for (size_t i = 0; i < size; i++)
    if (values[i] < lowest[labels[i]]) lowest[labels[i]] = values[i];
  for (int32_t n = 1; n <= count; n++) hole[n] = area[n] <= HOLE_SHARE * area[0] && lowest[n] >= HOLE_DOUBT;
  for (size_t x = 0; x < pitch; x++) hole[labels[x]] = hole[labels[size - pitch + x]] = 0;
  for (size_t i = 0; i < size; i += pitch) hole[labels[i]] = hole[labels[i + pitch - 1]] = 0;
  free(area);
  free(lowest);
  return hole;
}

void fill_holes(const uint8_t *values, int height, int width, uint8_t *filled) {
  size_t size = (size_t)height * (size_t)width;
  uint8_t *holes = allocate(size, 1), *open = allocate(size, 1);
  uint8_t *near_holes = allocate(size, 1), *near_open = allocate(size, 1);
  int32_t *labels = allocate(size, sizeof *labels);
  for (size_t i = 0; i < size; i++) open[i] = values[i] < INSIDE;
  int32_t count = component_labels(open, height, width, false, labels);
  uint8_t *hole = find_holes(values, labels, height, width, count);
  for (size_t i = 0; i < size; i++) {
    holes[i] = hole[labels[i]];
    open[i] = open[i] && !holes[i];
  }
  dilate(holes, height, width, 1, near_holes);
  dilate(open, height, width, 1, near_open);
  for (size_t i = 0; i < size; i++) filled[i] = holes[i] || (near_holes[i] && !near_open[i]) ? 255 : values[i];
  free(holes);
  free(open);
  free(near_holes);
  free(near_open);
  free(labels);
  free(hole);
}

/* Numbers of those parts that are no specks, largest area first, earlier ones before equals. */
static int rank_parts(const int32_t *area, int32_t count, int32_t *ranked) {
  int32_t most = 0;
  int people = 0;
  for (int32_t n = 1; n <= count; n++)
    if (area[n] > most) most = area[n];
  for (int32_t n = 1; n <= count; n++) {
    if (area[n] < SPECK_SHARE * most) continue;
    int at = people++;
    for (; at > 0 && area[ranked[at - 1]] < area[n]; at--) ranked[at] = ranked[at - 1];
    ranked[at] = n;
  }
  return people;
}

static Figure measure(const int32_t *labels, int32_t number, int height, int width) {
  int left = width, top = height, right = 0, bottom = 0, area = 0;
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++) {
      if (labels[y * width + x] != number) continue;
      left = smaller(left, x);
      top = smaller(top, y);
      right = larger(right, x + 1);
      bottom = larger(bottom, y + 1);
      area++;
    }
  double share = (double)area / ((double)height * width);
  return (Figure){(double)left / width, (double)top / height, (double)right / width, (double)bottom / height, share};
}

Figures find_figures(const uint8_t *values, int height, int width) {
  size_t size = (size_t)height * (size_t)width;
  uint8_t *mask = allocate(size, 1);
  Figures found = {.labels = allocate(size, sizeof(int32_t))};
  for (size_t i = 0; i < size; i++) mask[i] = values[i] >= INSIDE;
  int32_t count = component_labels(mask, height, width, true, found.labels);
  int32_t *area = areas(found.labels, size, count);
  int32_t *ranked = allocate((size_t)count + 1, sizeof *ranked), *number = allocate((size_t)count + 1, sizeof *number);
  found.count = rank_parts(area, count, ranked);
  found.figures = allocate((size_t)found.count, sizeof(Figure));
  for (int32_t n = 1; n <= count; n++) number[n] = -1;
  for (int i = 0; i < found.count; i++) {
    number[ranked[i]] = i + 1;
    found.figures[i] = measure(found.labels, ranked[i], height, width);
  }
  for (size_t i = 0; i < size; i++) mask[i] = values[i] >= SOFT_RIM;
  if (count > 0) grow_labels(found.labels, mask, height, width);
  for (size_t i = 0; i < size; i++) found.labels[i] = number[found.labels[i]];
  free(mask);
  free(area);
  free(ranked);
  free(number);
  return found;
}

void free_figures(Figures *figures) {
  free(figures->labels);
  free(figures->figures);
}
