/* Connected parts of small masks; the same numbering as runtime/components.py. */
#ifndef PORTRAITLITE_COMPONENTS_H
#define PORTRAITLITE_COMPONENTS_H

#include <stdbool.h>
#include <stdint.h>

/* `labels`: 0 where the mask is 0, else 1..n in the order of each part's first sample, row by row. Returns n. */
int32_t component_labels(const uint8_t *mask, int height, int width, bool diagonal, int32_t *labels);

/* Extend numbered parts over the samples of `where`, all equally fast; the lower number wins a tie. */
void grow_labels(int32_t *labels, const uint8_t *where, int height, int width);

/* 1 where a sample lies at most `reach` rows and columns from one that is not 0. `out` is another array. */
void dilate(const uint8_t *mask, int height, int width, int reach, uint8_t *out);

#endif
