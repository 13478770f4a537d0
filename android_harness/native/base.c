#define _GNU_SOURCE
#include "base.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "json.h"

static const struct {
  const char *kind;
  int exit_code;
} FAILURES[] = {
    [FAIL_NO_SUBJECT] = {"no_subject", 1}, [FAIL_USAGE] = {"usage", 2},   [FAIL_INPUT] = {"input", 2},
    [FAIL_LIBRARY] = {"library", 3},       [FAIL_LITERT] = {"litert", 3}, [FAIL_CPUS] = {"cpus", 3},
    [FAIL_MEMORY] = {"memory", 3},         [FAIL_WRITE] = {"write", 3},
};

void fail(Failure failure, const char *format, ...) {
  char message[2048];
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  json_finish(FAILURES[failure].exit_code, FAILURES[failure].kind, message);
  exit(FAILURES[failure].exit_code);
}

void *allocate(size_t count, size_t size) {
  void *memory = calloc(count ? count : 1, size);
  if (!memory) fail(FAIL_MEMORY, "no memory for %zu x %zu bytes; use a smaller frame or model", count, size);
  return memory;
}

/* A descriptor of a regular file; a pipe or device could block or never end. */
static int open_regular(const char *path, int64_t *size) {
  int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) fail(FAIL_INPUT, "%s cannot be read (%s); give a file", path, strerror(errno));
  struct stat status;
  if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) {
    close(file);
    fail(FAIL_INPUT, "%s is not a regular file; give one", path);
  }
  *size = (int64_t)status.st_size;
  return file;
}

int64_t file_size(const char *path) {
  int64_t size;
  close(open_regular(path, &size));
  return size;
}

static char *read_all(const char *path, int file, size_t size) {
  char *data = malloc(size + 1);
  if (!data) fail(FAIL_MEMORY, "no memory for the %zu bytes of %s", size, path);
  size_t done = 0;
  while (done < size) {
    ssize_t got = read(file, data + done, size - done);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      free(data);
      close(file);
      fail(FAIL_INPUT, "%s ends after %zu of %zu bytes; copy it again", path, done, size);
    }
    done += (size_t)got;
  }
  data[size] = 0;
  close(file);
  return data;
}

void *read_exactly(const char *path, size_t size, const char *what) {
  int64_t found;
  int file = open_regular(path, &found);
  if (found != (int64_t)size) {
    close(file);
    fail(FAIL_INPUT, "%s has %lld bytes, %s needs %zu; check size and type", path, (long long)found, what, size);
  }
  return read_all(path, file, size);
}

char *read_file(const char *path, size_t limit, size_t *size) {
  int64_t found;
  int file = open_regular(path, &found);
  if (found > (int64_t)limit) {
    close(file);
    fail(FAIL_INPUT, "%s has %lld bytes, at most %zu are read; give another file", path, (long long)found, limit);
  }
  *size = (size_t)found;
  return read_all(path, file, *size);
}

void write_file(const char *path, const void *data, size_t size) {
  size_t length = strlen(path) + sizeof ".part";
  char *part = allocate(length, 1);
  (void)snprintf(part, length, "%s.part", path);
  FILE *file = fopen(part, "wb");
  bool written = file && fwrite(data, 1, size, file) == size;
  int reason = errno;
  if (file && fclose(file) != 0) {
    if (written) reason = errno;
    written = false;
  }
  if (written && rename(part, path) != 0) {
    reason = errno;
    written = false;
  }
  if (!written) {
    if (file) (void)remove(part);
    free(part);
    fail(FAIL_WRITE, "%s cannot be written (%s); free some space or choose another place", path, strerror(reason));
  }
  free(part);
}

void dump(const char *folder, const char *name, const void *data, size_t size) {
  if (!folder) return;
  size_t length = strlen(folder) + strlen(name) + sizeof "/.bin";
  char *path = allocate(length, 1);
  (void)snprintf(path, length, "%s/%s.bin", folder, name);
  write_file(path, data, size);
  free(path);
}
