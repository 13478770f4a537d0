/* Frame and plan -> picture, tile by tile. */
#ifndef PORTRAITLITE_APPLYING_H
#define PORTRAITLITE_APPLYING_H

#include "litert.h"
#include "sizing.h"
#include "tiles.h"

typedef struct {
  const Options *options;
  const BlurFacts *facts;
  PlanChoice choice;
  Tiling tiling;
  Model graphs[3]; /* by TileKind; none for copies */
  char *paths[3];
  int rgb, noise_input[3], plan_input[3]; /* indices of the graphs' inputs */
  int8_t *noise;
  float *noise_fed, *plan_fed;
  uint8_t *photo_fed, *tile, *kinds, *picture;
  size_t picture_size;
  int noise_level, counts[3];
  float noise_factor;
} Applying;

void open_applying(const Options *options, const BlurFacts *facts, const Frame *frame, Applying *applying);
/* `plan` holds (plan_height, plan_width, 12); NULL gives the frame back. */
void run_applying(Applying *applying, const Frame *frame, const float *plan);
void save_applying(const Applying *applying);
/* Fields of "result". */
void describe_applying(const Applying *applying);
void close_applying(Applying *applying);

#endif
