/* The photo in tiles, and what each of them needs (docs/host-steps.md, 5). */
#ifndef PORTRAITLITE_TILES_H
#define PORTRAITLITE_TILES_H

#include <stdint.h>

#include "frame.h"
#include "sizing.h"

enum { PLAN_CHANNELS = 12 };

typedef enum { TILE_COPY, TILE_FILL, TILE_APPLY } TileKind;

/* How a photo is cut. */
typedef struct {
  int scale, height, width;    /* photo pixels of a tile */
  int plan_height, plan_width; /* plan pixels that it reads */
  int rows, columns;           /* tiles of the photo */
} Tiling;

/* A plan of any size, with what its pixels need. */
typedef struct {
  const float *values;
  int height, width;
  uint8_t *flags;
} Plan;

Tiling make_tiling(int height, int width, int scale, const BlurFacts *facts);

Plan make_plan(const float *values, int height, int width);
void free_plan(Plan *plan);

TileKind tile_kind(const Plan *plan, const Tiling *tiling, int row, int column);

/* The tile's plan pixels (plan_height, plan_width, 12), the plan's edge repeated. */
void feed_plan(const Plan *plan, const Tiling *tiling, int row, int column, float *out);

/* The tile's photo (height, width, 3), the photo's last row and column repeated. */
void feed_photo(const Frame *frame, const Tiling *tiling, int row, int column, uint8_t *out);

/* What of a finished tile lies on the photo goes there. */
void place_tile(const uint8_t *tile, const Frame *frame, const Tiling *tiling, int row, int column, uint8_t *picture);

#endif
