/* When each run began and how long its stages took. */
#ifndef PORTRAITLITE_TIMING_H
#define PORTRAITLITE_TIMING_H

#include <stdbool.h>

#include "options.h"

/* Monotonic. */
double now_ms(void);

/* Another run? Call before each; the first ones are warm-up. */
bool timing_next(const Options *options);
/* The time since the last lap, or since the run began, goes to `stage`; called again in one run it adds up. */
void timing_lap(const char *stage);
/* Time that is part of another stage. */
void timing_add(const char *stage, double ms);
/* The run is over. */
void timing_done(void);

/* "timing" of the document; frees everything. */
void describe_timing(void);

#endif
