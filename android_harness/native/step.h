/* One host step on arrays, without LiteRT: what the golden vectors hold the program to (docs/parity.md). */
#ifndef PORTRAITLITE_STEP_H
#define PORTRAITLITE_STEP_H

#include "options.h"

void run_step(const Options *options);

#endif
