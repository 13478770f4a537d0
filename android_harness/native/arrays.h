/* Arrays and settings of `step`, from the command line and back to files. */
#ifndef PORTRAITLITE_ARRAYS_H
#define PORTRAITLITE_ARRAYS_H

#include <stdbool.h>
#include <stdint.h>

#include "facts.h"
#include "frame.h"
#include "options.h"

enum { MAX_DIMENSIONS = 4 };

typedef enum { ARRAY_UINT8, ARRAY_INT8, ARRAY_INT32, ARRAY_FLOAT32, ARRAY_FLOAT64 } ArrayType;

typedef struct {
  int rank, shape[MAX_DIMENSIONS]; /* sides beyond the rank are 1 */
  ArrayType type;
  void *data;
} Array;

/* --array NAME=DTYPE:SHAPE:FILE; the caller frees `data`. Fails where it is missing or of another type. */
Array input_array(const Options *options, const char *name, ArrayType type, int rank);
bool has_array(const Options *options, const char *name);
/* Only its type and shape; no data. */
ArrayType array_type(const Options *options, const char *name);

/* RGB bytes. */
Frame frame_of(const Options *options, const char *name);
void free_frame(Frame frame);

/* --set KEY=VALUE. */
const char *setting(const Options *options, const char *key);
bool has_setting(const Options *options, const char *key);
int whole_setting(const Options *options, const char *key, int least, int most);
double number_setting(const Options *options, const char *key, double least, double most);
int name_setting(const Options *options, const char *key, const char *const *names, int count);
/* Exactly `count` numbers. */
void numbers_setting(const Options *options, const char *key, double *values, int count);

/* Into --dump and an entry of "arrays"; frees `data`. A side of 0 ends the shape. */
void output_array(const Options *options, const char *name, ArrayType type, const int shape[MAX_DIMENSIONS],
                  void *data);

/* The shape of an output. */
#define SHAPE(...) ((const int[MAX_DIMENSIONS]){__VA_ARGS__})

static inline size_t area(int height, int width) { return (size_t)height * (size_t)width; }

#endif
