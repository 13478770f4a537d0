#define _GNU_SOURCE
#include "timing.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base.h"
#include "json.h"

enum { MAX_STAGES = 16, MAX_RUNS = 1000000 };

static struct {
  const char *stage[MAX_STAGES];
  double *stage_ms[MAX_STAGES], *start_ms, *total_ms, *warm_up_ms;
  int stages, runs, warm_up, capacity;
  double first, begin, lap; /* moments */
  bool stopped_early;
} timing;

double now_ms(void) {
  struct timespec time;
  (void)clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static void extend(double **values, int from, int to) {
  double *more = realloc(*values, (size_t)to * sizeof *more);
  if (!more) fail(FAIL_MEMORY, "no memory for the times of %d runs; use fewer", to);
  memset(more + from, 0, (size_t)(to - from) * sizeof *more);
  *values = more;
}

static void make_room(void) {
  if (timing.runs < timing.capacity) return;
  int capacity = 2 * timing.capacity + 64;
  extend(&timing.start_ms, timing.capacity, capacity);
  extend(&timing.total_ms, timing.capacity, capacity);
  for (int i = 0; i < timing.stages; i++) extend(&timing.stage_ms[i], timing.capacity, capacity);
  timing.capacity = capacity;
}

/* What the warm-up runs took is kept apart; their stages are of no interest. */
static void end_warm_up(int runs) {
  timing.warm_up_ms = allocate((size_t)runs, sizeof(double));
  for (int i = 0; i < runs; i++) timing.warm_up_ms[i] = timing.total_ms[i];
  for (int i = 0; i < timing.stages; i++) memset(timing.stage_ms[i], 0, (size_t)timing.capacity * sizeof(double));
  timing.warm_up = runs;
  timing.runs = 0;
}

bool timing_next(const Options *options) {
  double now = now_ms();
  bool warm =
      timing.runs == options->warm_up || (timing.runs > 0 && (now - timing.first) / 1e3 >= options->max_seconds);
  if (!timing.warm_up_ms && warm) end_warm_up(timing.runs);
  if (timing.runs == 0) timing.first = now;
  if (timing.warm_up_ms && timing.runs > 0) {
    double seconds = (now - timing.first) / 1e3;
    timing.stopped_early = timing.runs < options->runs && seconds >= options->max_seconds;
    bool enough = timing.runs >= options->runs && (seconds >= options->min_seconds || seconds >= options->max_seconds);
    if (enough || timing.stopped_early || timing.runs == MAX_RUNS) return false;
  }
  make_room();
  timing.begin = timing.lap = now_ms();
  return true;
}

void timing_add(const char *stage, double ms) {
  int index = 0;
  while (index < timing.stages && strcmp(timing.stage[index], stage) != 0) index++;
  if (index == MAX_STAGES) abort();
  if (index == timing.stages) {
    timing.stage[timing.stages++] = stage;
    extend(&timing.stage_ms[index], 0, timing.capacity);
  }
  timing.stage_ms[index][timing.runs] += ms;
}

void timing_lap(const char *stage) {
  double now = now_ms();
  timing_add(stage, now - timing.lap);
  timing.lap = now;
}

void timing_done(void) {
  double now = now_ms();
  timing.start_ms[timing.runs] = timing.begin - timing.first;
  timing.total_ms[timing.runs++] = now - timing.begin;
}

void describe_timing(void) {
  json_object("timing");
  json_milliseconds_array("warm_up_ms", timing.warm_up_ms, timing.warm_up);
  json_milliseconds_array("start_ms", timing.start_ms, timing.runs);
  json_milliseconds_array("total_ms", timing.total_ms, timing.runs);
  json_object("stages_ms");
  for (int i = 0; i < timing.stages; i++) json_milliseconds_array(timing.stage[i], timing.stage_ms[i], timing.runs);
  json_close();
  json_bool("stopped_early", timing.stopped_early);
  json_close();
  for (int i = 0; i < timing.stages; i++) free(timing.stage_ms[i]);
  free(timing.start_ms);
  free(timing.total_ms);
  free(timing.warm_up_ms);
}
