/* What every file uses: failing with a document, bounded memory and files. */
#ifndef PORTRAITLITE_BASE_H
#define PORTRAITLITE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  PROGRAM_VERSION = 1,
  MAX_PIXELS = 150000000, /* of a frame, as in the runtime */
  MAX_SIDE = 65500,
  MAX_MAP_SIDE = 8192 /* of a mask or blur map */
};

/* What went wrong; docs/harness.md lists the exit codes. */
typedef enum {
  FAIL_NO_SUBJECT,
  FAIL_USAGE,
  FAIL_INPUT,
  FAIL_LIBRARY,
  FAIL_LITERT,
  FAIL_CPUS,
  FAIL_MEMORY,
  FAIL_WRITE
} Failure;

/* Close the document with an error, print it and exit. One line: found, expected, what to do. */
__attribute__((noreturn, format(printf, 2, 3))) void fail(Failure failure, const char *format, ...);

/* Zeroed memory for `count` items; fails instead of returning NULL. */
void *allocate(size_t count, size_t size);

/* A regular file of exactly `size` bytes. The caller frees it. */
void *read_exactly(const char *path, size_t size, const char *what);

/* A regular file of at most `limit` bytes, with a closing zero byte behind them. The caller frees it. */
char *read_file(const char *path, size_t limit, size_t *size);

/* Bytes of a regular file; fails where there is none. */
int64_t file_size(const char *path);

/* Write beside, then rename. */
void write_file(const char *path, const void *data, size_t size);

/* `write_file` as FOLDER/NAME.bin; does nothing without a folder. */
void dump(const char *folder, const char *name, const void *data, size_t size);

static inline int smaller(int a, int b) { return a < b ? a : b; }
static inline int larger(int a, int b) { return a > b ? a : b; }
static inline int clamp(int value, int least, int most) { return smaller(larger(value, least), most); }
static inline int divide_up(int value, int by) { return (value + by - 1) / by; }

#endif
