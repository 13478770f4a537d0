/* The photo's noise and the tile that gives it back (docs/host-steps.md, 4). */
#ifndef PORTRAITLITE_GRAIN_H
#define PORTRAITLITE_GRAIN_H

#include <stdint.h>

#include "frame.h"

/* Standard deviation in sixteenths of a byte step; 0 without noise or flat parts. */
int noise_level(const Frame *frame);

void noise_tile(int height, int width, int64_t seed, int8_t *tile);

/* What the tile is multiplied with. */
float noise_factor(double grain, int level);

#endif
