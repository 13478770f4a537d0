#include "subject.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "components.h"
#include "figures.h"

enum { TOUCH_SAMPLES = 2 };
static const double FOCUS_REACH = 0.1, NEAR_HEIGHT = 0.5, SAME_GROUND = 0.1, RIM = 0.02;
const double MIN_SHARE = 0.005;
const char *const KEEP_NAMES[4] = {"all", "largest", "focus", "near"};

/* The figure nearest to the focus point, -1 if none is within reach. */
static int figure_at(const Figures *found, int height, int width, const SubjectChoice *choice) {
  double least = HUGE_VAL;
  int nearest = -1;
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++) {
      int32_t label = found->labels[y * width + x];
      if (label <= 0) continue;
      double across = fmax(fabs((x + 0.5) / width - choice->focus_x) - 0.5 / width, 0) * choice->aspect;
      double down = fmax(fabs((y + 0.5) / height - choice->focus_y) - 0.5 / height, 0);
      double distance = hypot(across, down);
      if (distance >= least) continue;
      least = distance;
      nearest = label - 1;
    }
  return least > FOCUS_REACH * hypot(choice->aspect, 1) ? -1 : nearest;
}

static bool is_near(const Figure *figure, const Figure *reference) {
  double height = reference->bottom - reference->top;
  if (figure->bottom - figure->top >= NEAR_HEIGHT * height) return true;
  return reference->bottom < 1 - RIM && figure->bottom >= reference->bottom - SAME_GROUND * height;
}

/* 1 for every figure that stays sharp; returns how many. */
static int keep_figures(const Figures *found, int height, int width, const SubjectChoice *choice, uint8_t *kept) {
  int reference = choice->has_focus ? figure_at(found, height, width, choice) : 0, count = 0;
  for (int n = 0; n < found->count; n++) {
    bool near = choice->keep == KEEP_NEAR && reference >= 0 && is_near(&found->figures[n], &found->figures[reference]);
    kept[n] = choice->keep == KEEP_ALL || n == reference || near;
    count += kept[n];
  }
  return count;
}

/* Add the things of one class that touch the subject; where both are likely, their confidences add up. */
static void add_held(uint8_t *values, const uint8_t *near_subject, const uint8_t *held, int height, int width) {
  size_t size = (size_t)height * (size_t)width;
  uint8_t *mask = allocate(size, 1);
  int32_t *labels = allocate(size, sizeof *labels);
  for (size_t i = 0; i < size; i++) mask[i] = held[i] >= INSIDE;
  int32_t count = component_labels(mask, height, width, true, labels);
  uint8_t *touching = allocate((size_t)count + 1, 1);
  for (size_t i = 0; i < size; i++)
    if (near_subject[i]) touching[labels[i]] = 1;
  touching[0] = 0;
  for (size_t i = 0; i < size; i++) mask[i] = held[i] >= SOFT_RIM;
  grow_labels(labels, mask, height, width);
  for (size_t i = 0; i < size; i++)
    if (touching[labels[i]]) values[i] = (uint8_t)smaller(255, values[i] + held[i]);
  free(mask);
  free(labels);
  free(touching);
}

/* The photo's part of a mask, without the rest. */
static void cut(const uint8_t *whole, int width, int top, int left, int rows, int columns, uint8_t *part) {
  for (int y = 0; y < rows; y++)
    memcpy(part + (size_t)y * (size_t)columns, whole + (size_t)(top + y) * (size_t)width + left, (size_t)columns);
}

Subject choose_subject(const uint8_t *whole, int height, int width, Box box, const SubjectChoice *choice,
                       uint8_t *const *held, int held_count) {
  int top = clamp((int)rint(box.top), 0, height - 1), left = clamp((int)rint(box.left), 0, width - 1);
  int rows = clamp((int)rint(box.bottom), top + 1, height) - top;
  int columns = clamp((int)rint(box.right), left + 1, width) - left;
  size_t size = (size_t)rows * (size_t)columns, inside = 0;
  uint8_t *part = allocate(size, 1), *values = allocate(size, 1), *near_subject = allocate(size, 1);
  cut(whole, width, top, left, rows, columns, part);
  fill_holes(part, rows, columns, values);
  Figures found = find_figures(values, rows, columns);
  uint8_t *kept = allocate((size_t)found.count, 1), *body = part;
  int kept_count = keep_figures(&found, rows, columns, choice, kept);
  for (size_t i = 0; i < size; i++) {
    int32_t label = found.labels[i];
    bool mine = label > 0 && kept[label - 1];
    if (label != 0 && !mine) values[i] = 0;
    body[i] = mine && values[i] >= INSIDE;
  }
  dilate(body, rows, columns, TOUCH_SAMPLES, near_subject);
  for (int n = 0; n < held_count; n++) {
    cut(held[n], width, top, left, rows, columns, part);
    add_held(values, near_subject, part, rows, columns);
  }
  for (size_t i = 0; i < size; i++) inside += values[i] >= INSIDE;
  Subject subject = {allocate((size_t)height * (size_t)width, 1), (double)inside / (double)size, found.count,
                     kept_count};
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++) {
      int row = clamp(y - top, 0, rows - 1), column = clamp(x - left, 0, columns - 1);
      subject.values[(size_t)y * (size_t)width + (size_t)x] = values[(size_t)row * (size_t)columns + (size_t)column];
    }
  free_figures(&found);
  free(part);
  free(values);
  free(near_subject);
  free(kept);
  return subject;
}
