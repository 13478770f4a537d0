#include "grain.h"

#include <stdlib.h>

#include "base.h"

enum {
  BLOCK = 8,
  BLOCKS = 64,
  LEAST_BLOCKS = 16,
  DARKEST = 8,
  BRIGHTEST = 247,
  QUARTILE = 164,
  ROUNDING = 22,
  LEAST_VARIANCE = 24,
  LARGEST_VARIANCE = 25600,
  GRAIN_UNIT = 32
};

/* Sum of the squares of all mixed differences of a block; -1 where it reaches a bound. */
static int block_sum(const uint8_t *green, size_t pitch) {
  int sum = 0;
  for (size_t y = 0; y < BLOCK; y++)
    for (size_t x = 0; x < BLOCK; x++) {
      const uint8_t *at = green + y * pitch + 3 * x;
      if (*at < DARKEST || *at > BRIGHTEST) return -1;
      if (y == BLOCK - 1 || x == BLOCK - 1) continue;
      int mixed = at[0] - at[3] - at[pitch] + at[pitch + 3];
      sum += mixed * mixed;
    }
  return sum;
}

static int compare(const void *a, const void *b) {
  int left = *(const int *)a, right = *(const int *)b;
  return (left > right) - (left < right);
}

int noise_level(const Frame *frame) {
  int rows = smaller(BLOCKS, frame->height / BLOCK), columns = smaller(BLOCKS, frame->width / BLOCK), count = 0;
  size_t pitch = 3 * (size_t)frame->width;
  if (rows * columns < LEAST_BLOCKS) return 0;
  int *sums = allocate((size_t)(rows * columns), sizeof *sums);
  for (int row = 0; row < rows; row++)
    for (int column = 0; column < columns; column++) {
      size_t top = (size_t)(row * (frame->height - BLOCK) / larger(1, rows - 1));
      size_t left = (size_t)(column * (frame->width - BLOCK) / larger(1, columns - 1));
      int sum = block_sum(frame->pixels + top * pitch + 3 * left + 1, pitch);
      if (sum >= 0) sums[count++] = sum;
    }
  qsort(sums, (size_t)count, sizeof *sums, compare);
  int64_t variance = count < LEAST_BLOCKS ? 0 : (int64_t)sums[count / 4] * 256 / QUARTILE - ROUNDING;
  free(sums);
  if (variance < LEAST_VARIANCE || variance > LARGEST_VARIANCE) return 0;
  int root = 0;
  while ((root + 1) * (root + 1) <= variance) root++;
  return root;
}

void noise_tile(int height, int width, int64_t seed, int8_t *tile) {
  uint32_t start = (uint32_t)((uint64_t)seed * 0x9E3779B9U);
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++) {
      uint32_t h = start + (uint32_t)(1024 * y + x);
      h = (h ^ h >> 16) * 0x85EBCA6BU;
      h = (h ^ h >> 13) * 0xC2B2AE35U;
      h ^= h >> 16;
      int sum = (int)((h & 255) + (h >> 8 & 255) + (h >> 16 & 255) + (h >> 24));
      /* Floor division by 32: the offset keeps the dividend positive. */
      int value = ((sum - 510) * 7 + 16 + 128 * 32) / 32 - 128;
      *tile++ = (int8_t)clamp(value, -127, 127);
    }
}

float noise_factor(double grain, int level) { return (float)(grain * level / (16 * 255 * GRAIN_UNIT)); }
