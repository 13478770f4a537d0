/* Photo and mask become the plan graph's inputs (docs/host-steps.md, 3). */
#ifndef PORTRAITLITE_PLAN_H
#define PORTRAITLITE_PLAN_H

#include <stdint.h>

#include "frame.h"
#include "resize.h"
#include "sizing.h"

/* A mask or blur map of any size. */
typedef struct {
  int height, width;
  Box box; /* the part that shows the photo; beyond the map its edge is repeated */
} Map;

/* What the plan graph takes: (plan_height, plan_width, channels) float32. */
typedef struct {
  float *rgb, *mask, *coc, *boost; /* 3, 1, 1, 3 channels */
} PlanInputs;

typedef struct {
  double strength, highlights;
  const float *coc; /* NULL: the same everywhere */
  Map coc_map;
} PlanOptions;

/* (H, W, channels) bytes -> (ceil(H/s), ceil(W/s), channels) bytes, the rounded mean of every block. */
void area_reduce(const uint8_t *pixels, int height, int width, int channels, int scale, uint8_t *out);

/* (ceil(H/s), ceil(W/s)) bytes: how much of every plan pixel is a small clipped light. */
void clipped_light(const Frame *frame, int scale, uint8_t *out);

/* What `clipped_light` is multiplied with. */
float boost_factor(double highlights);

/* The used part of the plan. */
void place_bytes(const uint8_t *values, Map map, const Frame *frame, PlanChoice choice, uint8_t *out);
void place_floats(const float *values, Map map, const Frame *frame, PlanChoice choice, float *out);

/* Fails for a box that is empty or far outside. */
void check_box(Map map);

/* The k for which all levels of the plan lie in k..k+1, so that a graph of two layers suffices; -1: there is none. */
int nearest_layer(const Frame *frame, PlanChoice choice, const BlurFacts *facts, const PlanOptions *options);

PlanInputs plan_inputs(const Frame *frame, const uint8_t *mask, Map map, PlanChoice choice, const BlurFacts *facts,
                       const PlanOptions *options);
void free_plan_inputs(PlanInputs *inputs);

#endif
