/* Any .tflite: files in, files out, timed. */
#ifndef PORTRAITLITE_RUNNING_H
#define PORTRAITLITE_RUNNING_H

#include "options.h"

void run_any_model(const Options *options);

#endif
