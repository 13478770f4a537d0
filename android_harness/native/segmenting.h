/* The first half of the path: frame -> network output -> mask -> subject mask. */
#ifndef PORTRAITLITE_SEGMENTING_H
#define PORTRAITLITE_SEGMENTING_H

#include "facts.h"
#include "frame.h"
#include "litert.h"
#include "mask.h"
#include "subject.h"

typedef struct {
  const Options *options;
  const ModelFacts *facts;
  Model model;
  uint8_t *input;     /* the frame at network size */
  void *fed, *stored; /* packed bytes of the network's input and output */
  float *values;      /* the output as real numbers */
  Output output;
  uint8_t *mask, *held[MAX_HELD];
  Box box;
  Subject subject;
} Segmenting;

/* Loads the model and holds it against the facts. */
void open_segmenting(const Options *options, const ModelFacts *facts, Segmenting *segmenting);
void run_segmenting(Segmenting *segmenting, const Frame *frame);
void dump_segmenting(const Segmenting *segmenting);
/* Fields of "result". */
void describe_segmenting(const Segmenting *segmenting);
void close_segmenting(Segmenting *segmenting);

#endif
