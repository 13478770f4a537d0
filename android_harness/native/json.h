/* The one JSON document that the program prints. It is built in memory, so that it can be closed at any moment. */
#ifndef PORTRAITLITE_JSON_H
#define PORTRAITLITE_JSON_H

#include <stdbool.h>
#include <stdint.h>

/* From here on stdout is for the document alone: what libraries print there goes to stderr. Returns the
 * document's descriptor. */
int json_claim_stdout(void);

/* `key` is NULL inside arrays. */
void json_object(const char *key);
void json_array(const char *key);
void json_close(void);
void json_string(const char *key, const char *value); /* NULL becomes null; what is no UTF-8 becomes U+FFFD */
void json_integer(const char *key, int64_t value);
void json_number(const char *key, double value); /* null where it is not finite */
void json_milliseconds(const char *key, double value);
void json_bool(const char *key, bool value);
void json_bytes(const char *key, int64_t value); /* null below 0: not known */
void json_milliseconds_array(const char *key, const double *values, int count);

/* Close everything, add the verdict, print document and closing line. `kind` is NULL where nothing failed. */
void json_finish(int exit_code, const char *kind, const char *message);

#endif
