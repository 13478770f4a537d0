#define _GNU_SOURCE
#include "json.h"

#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_DEPTH = 8, MAX_STRING = 4096 };

static struct {
  char *data;
  size_t size, capacity;
  char close[MAX_DEPTH]; /* the bracket that ends each open container */
  bool filled[MAX_DEPTH];
  int depth;
} doc;

static FILE *claimed;

static FILE *target(void) { return claimed ? claimed : stdout; }

int json_claim_stdout(void) {
  int copy = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  claimed = copy < 0 ? NULL : fdopen(copy, "w");
  if (!claimed) return STDOUT_FILENO;
  (void)dup2(STDERR_FILENO, STDOUT_FILENO);
  return copy;
}

static void put(const char *text, size_t length) {
  if (doc.size + length > doc.capacity) {
    size_t capacity = 2 * (doc.size + length) + 4096;
    char *data = realloc(doc.data, capacity);
    if (!data) {
      (void)fputs(
          "{\"schema\":\"portraitlite-harness/1\",\"mode\":null,\"exit_code\":3,\"error\":{\"kind\":\"memory\","
          "\"message\":\"no memory for the document\"}}\nportraitlite_harness end 3\n",
          target());
      exit(3);
    }
    doc.data = data;
    doc.capacity = capacity;
  }
  memcpy(doc.data + doc.size, text, length);
  doc.size += length;
}

static void put_text(const char *text) { put(text, strlen(text)); }

/* Length of the UTF-8 sequence at `text`, 0 where there is none. */
static size_t sequence_length(const unsigned char *text) {
  size_t length = text[0] < 0x80 ? 1 : text[0] >= 0xF0 ? 4 : text[0] >= 0xE0 ? 3 : 2;
  if (length > 1 && (text[0] < 0xC2 || text[0] > 0xF4)) return 0;
  for (size_t i = 1; i < length; i++)
    if ((text[i] & 0xC0) != 0x80) return 0;
  bool overlong = (text[0] == 0xE0 && text[1] < 0xA0) || (text[0] == 0xF0 && text[1] < 0x90);
  bool outside = (text[0] == 0xED && text[1] >= 0xA0) || (text[0] == 0xF4 && text[1] >= 0x90);
  return overlong || outside ? 0 : length;
}

static void put_quoted(const char *value) {
  put_text("\"");
  for (size_t i = 0; value[i] && i < MAX_STRING;) {
    size_t length = sequence_length((const unsigned char *)value + i);
    unsigned char first = (unsigned char)value[i];
    char escaped[8];
    if (length == 0) {
      put_text("\\ufffd");
      length = 1;
    } else if (first == '"' || first == '\\') {
      (void)snprintf(escaped, sizeof escaped, "\\%c", first);
      put_text(escaped);
    } else if (first < 0x20 || first == 0x7F) {
      (void)snprintf(escaped, sizeof escaped, "\\u%04x", first);
      put_text(escaped);
    } else {
      put(value + i, length);
    }
    i += length;
  }
  put_text("\"");
}

static void begin(const char *key) {
  if (doc.depth > 0) {
    if (doc.filled[doc.depth - 1]) put_text(",");
    doc.filled[doc.depth - 1] = true;
  }
  if (key) {
    put_quoted(key);
    put_text(":");
  }
}

static void open_container(const char *key, const char *bracket, char close) {
  begin(key);
  if (doc.depth == MAX_DEPTH) abort();
  put_text(bracket);
  doc.close[doc.depth] = close;
  doc.filled[doc.depth++] = false;
}

void json_object(const char *key) { open_container(key, "{", '}'); }
void json_array(const char *key) { open_container(key, "[", ']'); }
void json_close(void) { put(&doc.close[--doc.depth], 1); }

void json_string(const char *key, const char *value) {
  begin(key);
  if (value)
    put_quoted(value);
  else
    put_text("null");
}

void json_integer(const char *key, int64_t value) {
  char text[24];
  begin(key);
  (void)snprintf(text, sizeof text, "%" PRId64, value);
  put_text(text);
}

static void number(const char *key, double value, const char *text) {
  begin(key);
  put_text(isfinite(value) ? text : "null");
}

void json_number(const char *key, double value) {
  char text[40];
  (void)snprintf(text, sizeof text, "%.17g", value);
  number(key, value, text);
}

void json_milliseconds(const char *key, double value) {
  char text[40];
  (void)snprintf(text, sizeof text, "%.6f", value > 1e15 ? 1e15 : value);
  number(key, value, text);
}

void json_bool(const char *key, bool value) {
  begin(key);
  put_text(value ? "true" : "false");
}

void json_bytes(const char *key, int64_t value) {
  if (value < 0)
    json_string(key, NULL);
  else
    json_integer(key, value);
}

void json_milliseconds_array(const char *key, const double *values, int count) {
  json_array(key);
  for (int i = 0; i < count; i++) json_milliseconds(NULL, values[i]);
  json_close();
}

void json_finish(int exit_code, const char *kind, const char *message) {
  while (doc.depth > 1) json_close();
  json_integer("exit_code", exit_code);
  if (kind) {
    json_object("error");
    json_string("kind", kind);
    json_string("message", message);
    json_close();
  } else {
    json_string("error", NULL);
  }
  json_close();
  (void)fwrite(doc.data, 1, doc.size, target());
  (void)fprintf(target(), "\nportraitlite_harness end %d\n", exit_code);
  (void)fflush(target());
  free(doc.data);
  doc.data = NULL;
  doc.size = doc.capacity = 0;
}
