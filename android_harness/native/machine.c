#define _GNU_SOURCE
#include "machine.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base.h"
#include "json.h"

enum { MASK_DIGITS = 64 }; /* 256 processors */

#if defined(__aarch64__)
static const char ABI[] = "arm64-v8a";
#elif defined(__arm__)
static const char ABI[] = "armeabi-v7a";
#elif defined(__x86_64__)
static const char ABI[] = "x86_64";
#else
#error "not an ABI that the harness knows"
#endif

#if defined(__BIONIC__)
static const char LIBC[] = "bionic";
#elif defined(__GLIBC__)
static const char LIBC[] = "glibc";
#else
static const char LIBC[] = "other";
#endif

#if defined(PORTRAITLITE_SANITIZERS)
static const bool SANITIZERS = true;
#else
static const bool SANITIZERS = false;
#endif

static bool parse_mask(const char *text, cpu_set_t *set) {
  size_t digits = strlen(text);
  CPU_ZERO(set);
  if (digits == 0 || digits > MASK_DIGITS) return false;
  for (size_t i = 0; i < digits; i++) {
    char digit[2] = {text[digits - 1 - i], 0};
    char *end;
    unsigned long bits = strtoul(digit, &end, 16);
    if (*end || end == digit) return false;
    for (size_t bit = 0; bit < 4; bit++)
      if (bits >> bit & 1) CPU_SET(4 * i + bit, set);
  }
  return CPU_COUNT(set) > 0;
}

static void format_mask(cpu_set_t *set, char text[MASK_DIGITS + 1]) {
  size_t length = 0;
  for (size_t i = MASK_DIGITS; i-- > 0;) {
    unsigned bits = 0;
    for (size_t bit = 0; bit < 4; bit++) bits |= (unsigned)(CPU_ISSET(4 * i + bit, set) != 0) << bit;
    if (bits || length || i == 0) text[length++] = "0123456789abcdef"[bits];
  }
  text[length] = 0;
}

void use_cpus(const char *mask) {
  if (!mask) return;
  cpu_set_t wanted, found;
  if (!parse_mask(mask, &wanted)) fail(FAIL_USAGE, "--cpus %s is no mask; give hexadecimal digits such as f0", mask);
  if (sched_setaffinity(0, sizeof wanted, &wanted) != 0)
    fail(FAIL_CPUS, "the kernel refuses --cpus %s (%s); give processors that are online", mask, strerror(errno));
  if (sched_getaffinity(0, sizeof found, &found) != 0 || !CPU_EQUAL(&wanted, &found)) {
    char text[MASK_DIGITS + 1];
    format_mask(&found, text);
    fail(FAIL_CPUS, "of --cpus %s the kernel allows %s; give processors that are online and not reserved", mask, text);
  }
}

void describe_machine(const char *mask) {
  struct utsname system;
  cpu_set_t set;
  char allowed[MASK_DIGITS + 1];
  json_object("program");
  json_integer("version", PROGRAM_VERSION);
  json_string("abi", ABI);
  json_string("libc", LIBC);
  json_string("compiler", __VERSION__);
  json_bool("sanitizers", SANITIZERS);
  json_close();
  json_object("system");
  bool known = uname(&system) == 0;
  json_string("machine", known ? system.machine : NULL);
  json_string("release", known ? system.release : NULL);
  json_bytes("page_size_bytes", sysconf(_SC_PAGESIZE));
  json_close();
  json_object("cpus");
  json_string("asked", mask);
  known = sched_getaffinity(0, sizeof set, &set) == 0;
  if (known) format_mask(&set, allowed);
  json_string("allowed", known ? allowed : NULL);
  json_integer("at_start", current_cpu());
  json_close();
}

int current_cpu(void) { return sched_getcpu(); }

int64_t peak_memory_bytes(void) {
  FILE *file = fopen("/proc/self/status", "r");
  char line[256];
  int64_t bytes = -1;
  while (file && fgets(line, sizeof line, file))
    if (strncmp(line, "VmHWM:", 6) == 0) bytes = 1024 * strtoll(line + 6, NULL, 10);
  if (file) (void)fclose(file);
  return bytes;
}
