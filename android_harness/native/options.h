/* The command line (docs/harness.md). */
#ifndef PORTRAITLITE_OPTIONS_H
#define PORTRAITLITE_OPTIONS_H

#include <stdbool.h>

#include "resize.h"
#include "subject.h"

enum { MAX_REPEATED = 32 };

typedef enum { MODE_INFO, MODE_RUN, MODE_SEGMENT, MODE_PLAN, MODE_APPLY, MODE_PORTRAIT, MODE_STEP } Mode;
typedef enum { ACCELERATE_CPU, ACCELERATE_GPU, ACCELERATE_NPU } Accelerator;
typedef enum { NO_SUBJECT_FAIL, NO_SUBJECT_COPY, NO_SUBJECT_BLUR } IfNoSubject;

typedef struct {
  const char *text[MAX_REPEATED];
  int count;
} Repeated;

typedef struct {
  int width, height; /* 0: not given */
} Size;

typedef struct {
  Mode mode;
  const char *library, *model, *blur, *facts, *photo, *mask, *coc, *plan, *picture, *dump, *cpus, *name;
  Repeated inputs, outputs, settings, arrays;
  Size size, mask_size, coc_size;
  Box mask_box;
  bool has_mask_box, has_focus;
  double focus_x, focus_y;
  double strength, highlights, grain;
  Keep keep;
  IfNoSubject if_no_subject;
  Accelerator accelerator;
  int kernel; /* of KERNEL_NAMES */
  int threads, warm_up, runs;
  double min_seconds, max_seconds;
} Options;

extern const char *const MODE_NAMES[7];
extern const char *const ACCELERATOR_NAMES[3];
extern const char *const KERNEL_NAMES[3];

/* Begins the document with "schema" and "mode"; fails for what makes no sense. */
void parse_options(int argc, char **argv, Options *options);

#endif
