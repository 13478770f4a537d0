/* Which graphs serve a frame of a given size, and how large the blur discs are (runtime/blur/sizing.py, levels.py). */
#ifndef PORTRAITLITE_SIZING_H
#define PORTRAITLITE_SIZING_H

#include <stdbool.h>

#include "facts.h"

typedef struct {
  int scale; /* photo pixels per plan pixel */
  bool portrait;
  int plan_height, plan_width; /* the grid */
  int used_height, used_width; /* what the photo covers of it, from the top left */
} PlanChoice;

/* The smallest scale at which the photo fits; fails for photos that are too large. */
PlanChoice choose_scale(int height, int width, const BlurFacts *facts);

/* In plan pixels. */
double disc_radius(int height, int width, int scale, double strength, const BlurFacts *facts);

/* Disc radius in plan pixels -> `coc` in layer units. */
float level_of_radius(double radius, const BlurFacts *facts);

/* Photo pixels of a tile: multiples of the scale. */
int tile_side(int side, int scale);

#endif
