/* Frame and subject mask -> plan. */
#ifndef PORTRAITLITE_PLANNING_H
#define PORTRAITLITE_PLANNING_H

#include "litert.h"
#include "plan.h"

typedef struct {
  const Options *options;
  const BlurFacts *facts;
  PlanChoice choice;
  PlanOptions look;
  Model model;
  char *path;
  float *coc;
  int rgb, mask, coc_input, boost; /* indices of the graph's inputs */
  PlanInputs inputs;
  float *plan; /* (plan_height, plan_width, 12) */
  size_t plan_size;
} Planning;

/* FOLDER/NAME, to be freed. */
char *graph_path(const char *folder, const char *name);

void open_planning(const Options *options, const BlurFacts *facts, const Frame *frame, Planning *planning);
void run_planning(Planning *planning, const Frame *frame, const uint8_t *mask, Map map);
void dump_planning(const Planning *planning);
void close_planning(Planning *planning);

/* Fields of "result" that every mode with a plan has. */
void describe_choice(PlanChoice choice);

#endif
