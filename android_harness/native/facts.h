/* What the caller knows about a model and the blur graphs: a text file of KEY=VALUE lines (docs/harness.md). */
#ifndef PORTRAITLITE_FACTS_H
#define PORTRAITLITE_FACTS_H

#include <stdbool.h>
#include <stdint.h>

enum { MAX_HELD = 32, MAX_SCALES = 32 };

typedef enum { FIT_STRETCH, FIT_PAD } Fit;
typedef enum { KIND_LABELS, KIND_LOGITS, KIND_CONFIDENCE } Kind;
typedef enum { ALIGN_CORNERS, LEGACY, HALF_PIXEL } Convention;

typedef struct {
  int input_height, input_width, network_height, network_width;
  Fit fit;
  double mean, std;
  Kind kind;
  Convention convention;
  int channel; /* of the subject */
  bool invert; /* the channel is the confidence of the other class */
  int held[MAX_HELD], held_count;
} ModelFacts;

typedef struct {
  int long_side, short_side;
  int scales[MAX_SCALES], scale_count;
  int tile_height, tile_width;
  double max_radius;
  int layers;
  int64_t noise_seed;
} BlurFacts;

/* Reads those that are not NULL; fails for missing, unknown, repeated and senseless values. */
void read_facts(const char *path, ModelFacts *model, BlurFacts *blur);

/* Numbers as command line and facts take them: whole strings, within bounds. */
bool parse_integer(const char *text, int64_t least, int64_t most, int64_t *value);
bool parse_number(const char *text, double least, double most, double *value);
bool parse_size(const char *text, int most, int *width, int *height);
/* Exactly `count` numbers, comma-separated. */
bool parse_numbers(const char *text, double *values, int count, double least, double most);
/* Comma-separated integers, ascending or not; -1 where the text is no such list. Empty text: 0. */
int parse_list(const char *text, int least, int most, int *values, int capacity);
/* Index of `text` among `count` names; -1 where it is none of them. */
int parse_name(const char *text, const char *const *names, int count);

extern const char *const FIT_NAMES[2];
extern const char *const KIND_NAMES[3];
extern const char *const CONVENTION_NAMES[3];

#endif
