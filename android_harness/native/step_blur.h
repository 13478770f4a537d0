/* The blur's steps of `step`; see step.h. */
#ifndef PORTRAITLITE_STEP_BLUR_H
#define PORTRAITLITE_STEP_BLUR_H

#include "options.h"

void step_scale(const Options *options);
void step_reduce(const Options *options);
void step_light(const Options *options);
void step_place(const Options *options);
void step_level(const Options *options);
void step_plan(const Options *options);
void step_grain_level(const Options *options);
void step_grain_tile(const Options *options);
void step_noise(const Options *options);
void step_tile_kinds(const Options *options);
void step_tiles(const Options *options);

#endif
