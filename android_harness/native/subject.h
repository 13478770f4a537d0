/* From a mask to the subject mask: who stays sharp; the same rules as runtime/subject.py. */
#ifndef PORTRAITLITE_SUBJECT_H
#define PORTRAITLITE_SUBJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "resize.h"

typedef enum { KEEP_ALL, KEEP_LARGEST, KEEP_FOCUS, KEEP_NEAR } Keep;
extern const char *const KEEP_NAMES[4];

typedef struct {
  Keep keep;
  bool has_focus;
  double focus_x, focus_y; /* fractions of the photo */
  double aspect;           /* width / height of the photo */
} SubjectChoice;

typedef struct {
  uint8_t *values; /* (height, width) */
  double share;    /* of the photo where the confidence is at least one half */
  int figures, kept;
} Subject;

extern const double MIN_SHARE; /* a subject fills at least this share of the photo */

/* `whole` is the subject's class, `held` the other classes that may be added, all (height, width) bytes. */
Subject choose_subject(const uint8_t *whole, int height, int width, Box box, const SubjectChoice *choice,
                       uint8_t *const *held, int held_count);

#endif
