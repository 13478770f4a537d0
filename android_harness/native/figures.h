/* Figures of a mask, cleaned of specks and doubtful holes; the same rules as runtime/figures.py. */
#ifndef PORTRAITLITE_FIGURES_H
#define PORTRAITLITE_FIGURES_H

#include <stdint.h>

enum { INSIDE = 128, SOFT_RIM = 26 };

/* Fractions 0..1 of the photo. */
typedef struct {
  double left, top, right, bottom, share;
} Figure;

typedef struct {
  int32_t *labels; /* 0 nothing, n the soft rim of figure n - 1, -1 specks */
  Figure *figures; /* largest first */
  int count;
} Figures;

/* Small holes of doubtful confidence become 255, with the samples around them; `filled` is another array. */
void fill_holes(const uint8_t *values, int height, int width, uint8_t *filled);

Figures find_figures(const uint8_t *values, int height, int width);
void free_figures(Figures *figures);

#endif
