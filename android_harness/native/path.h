/* The portrait path, whole or one stage of it. */
#ifndef PORTRAITLITE_PATH_H
#define PORTRAITLITE_PATH_H

#include "options.h"

void run_segment(const Options *options);
void run_plan(const Options *options);
void run_apply(const Options *options);
void run_portrait(const Options *options);

#endif
