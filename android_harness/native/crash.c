#define _GNU_SOURCE
#include "crash.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

enum { STACK_SIZE = 64 << 10, EXIT_CODE = 3 };

static const struct {
  int number;
  const char *name;
} SIGNALS[] = {{SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"}, {SIGILL, "SIGILL"}, {SIGFPE, "SIGFPE"}, {SIGABRT, "SIGABRT"}};
enum { SIGNAL_COUNT = sizeof SIGNALS / sizeof *SIGNALS };

static const char *mode_name;
static const char *volatile doing = "starting";
static int target;

static void say(const char *text) {
  size_t length = strlen(text);
  while (length > 0) {
    ssize_t written = write(target, text, length);
    if (written <= 0) return;
    text += written;
    length -= (size_t)written;
  }
}

/* Only what a signal handler may do: the document in memory may be half written. */
static void handle(int number) {
  const char *name = "a signal";
  for (int i = 0; i < SIGNAL_COUNT; i++)
    if (SIGNALS[i].number == number) name = SIGNALS[i].name;
  say("{\"schema\":\"portraitlite-harness/1\",\"mode\":\"");
  say(mode_name);
  say("\",\"exit_code\":3,\"error\":{\"kind\":\"crash\",\"message\":\"crashed (");
  say(name);
  say(") while ");
  say(doing);
  say("; the model may be damaged, or the library of another version\"}}\nportraitlite_harness end 3\n");
  _exit(EXIT_CODE);
}

void watch_for_crashes(const char *mode, int output) {
  static char stack[STACK_SIZE]; /* of its own, in case the other one is full */
  stack_t alternative = {.ss_sp = stack, .ss_size = sizeof stack};
  struct sigaction action;
  mode_name = mode;
  target = output;
  (void)sigaltstack(&alternative, NULL);
  memset(&action, 0, sizeof action);
  action.sa_handler = handle;
  action.sa_flags = SA_ONSTACK;
  for (int i = 0; i < SIGNAL_COUNT; i++) (void)sigaction(SIGNALS[i].number, &action, NULL);
}

void now_doing(const char *what) { doing = what; }
