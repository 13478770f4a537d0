#include "options.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base.h"
#include "facts.h"
#include "json.h"

const char *const MODE_NAMES[7] = {"info", "run", "segment", "plan", "apply", "portrait", "step"};
const char *const ACCELERATOR_NAMES[3] = {"cpu", "gpu", "npu"};
const char *const KERNEL_NAMES[3] = {"delegate", "builtin", "reference"};
static const char *const IF_NO_SUBJECT_NAMES[3] = {"fail", "copy", "blur"};

enum {
  INFO = 1 << MODE_INFO,
  RUN = 1 << MODE_RUN,
  SEGMENT = 1 << MODE_SEGMENT,
  PLAN = 1 << MODE_PLAN,
  APPLY = 1 << MODE_APPLY
};
enum { PORTRAIT = 1 << MODE_PORTRAIT, STEP = 1 << MODE_STEP, FRAMES = SEGMENT | PLAN | APPLY | PORTRAIT };
enum { LITERT = RUN | FRAMES, SUBJECT = SEGMENT | PORTRAIT, BLUR = PLAN | APPLY | PORTRAIT };

typedef enum {
  TEXT,
  REPEATED,
  SIZE,
  MAP_SIZE,
  BOX,
  POINT,
  SHARE,
  SECONDS,
  THREADS,
  WARM_UP,
  RUNS,
  KEEP,
  NOBODY,
  HARDWARE,
  KERNEL
} Type;

static const struct {
  const char *name;
  Type type;
  size_t offset;
  unsigned allowed, needed; /* modes */
} OPTIONS[] = {
#define AT(field) offsetof(Options, field)
    {"library", TEXT, AT(library), LITERT | INFO, LITERT},
    {"model", TEXT, AT(model), RUN | SUBJECT, RUN | SUBJECT},
    {"blur", TEXT, AT(blur), BLUR, BLUR},
    {"facts", TEXT, AT(facts), FRAMES | STEP, FRAMES},
    {"photo", TEXT, AT(photo), FRAMES, FRAMES},
    {"size", SIZE, AT(size), FRAMES, FRAMES},
    {"input", REPEATED, AT(inputs), RUN, 0},
    {"output", REPEATED, AT(outputs), RUN, 0},
    {"mask", TEXT, AT(mask), PLAN, PLAN},
    {"mask-size", MAP_SIZE, AT(mask_size), PLAN, PLAN},
    {"mask-box", BOX, AT(mask_box), PLAN, 0},
    {"coc", TEXT, AT(coc), PLAN | PORTRAIT, 0},
    {"coc-size", MAP_SIZE, AT(coc_size), PLAN | PORTRAIT, 0},
    {"plan", TEXT, AT(plan), APPLY, APPLY},
    {"strength", SHARE, AT(strength), PLAN | PORTRAIT, 0},
    {"highlights", SHARE, AT(highlights), PLAN | PORTRAIT, 0},
    {"grain", SHARE, AT(grain), APPLY | PORTRAIT, 0},
    {"keep", KEEP, AT(keep), SUBJECT, 0},
    {"focus", POINT, AT(focus_x), SUBJECT, 0},
    {"if-no-subject", NOBODY, AT(if_no_subject), PORTRAIT, 0},
    {"dump", TEXT, AT(dump), FRAMES | STEP, 0},
    {"picture", TEXT, AT(picture), APPLY | PORTRAIT, 0},
    {"threads", THREADS, AT(threads), LITERT, 0},
    {"accelerator", HARDWARE, AT(accelerator), LITERT, 0},
    {"kernel", KERNEL, AT(kernel), LITERT, 0},
    {"cpus", TEXT, AT(cpus), INFO | LITERT | STEP, 0},
    {"warm-up", WARM_UP, AT(warm_up), LITERT, 0},
    {"runs", RUNS, AT(runs), LITERT, 0},
    {"min-seconds", SECONDS, AT(min_seconds), LITERT, 0},
    {"max-seconds", SECONDS, AT(max_seconds), LITERT, 0},
    {"name", TEXT, AT(name), STEP, STEP},
    {"set", REPEATED, AT(settings), STEP, 0},
    {"array", REPEATED, AT(arrays), STEP, 0},
};
enum { OPTION_COUNT = sizeof OPTIONS / sizeof *OPTIONS };

static int find_option(const char *flag) {
  for (int i = 0; i < OPTION_COUNT; i++)
    if (strncmp(flag, "--", 2) == 0 && strcmp(flag + 2, OPTIONS[i].name) == 0) return i;
  return -1;
}

static bool parse_whole(const char *text, int least, int most, int *value) {
  int64_t found;
  if (!parse_integer(text, least, most, &found)) return false;
  *value = (int)found;
  return true;
}

static bool parse_choice(const char *text, const char *const *names, int count, void *field) {
  int index = parse_name(text, names, count);
  if (index >= 0) *(int *)field = index; /* enumerations are ints here; the assertion below holds them to it */
  return index >= 0;
}
_Static_assert(sizeof(Keep) == sizeof(int) && sizeof(Accelerator) == sizeof(int) && sizeof(IfNoSubject) == sizeof(int),
               "enumerations are as large as int");

static bool store(Type type, const char *text, void *field, Options *options) {
  double numbers[4] = {0};
  Size *size = field;
  switch (type) {
    case TEXT:
      *(const char **)field = text;
      return *text != 0;
    case REPEATED: {
      Repeated *all = field;
      if (all->count == MAX_REPEATED) return false;
      all->text[all->count++] = text;
      return true;
    }
    case SIZE:
      return parse_size(text, MAX_SIDE, &size->width, &size->height) &&
             (int64_t)size->width * size->height <= MAX_PIXELS;
    case MAP_SIZE:
      return parse_size(text, MAX_MAP_SIDE, &size->width, &size->height);
    case BOX:
      options->has_mask_box = parse_numbers(text, numbers, 4, -1e6, 1e6);
      options->mask_box = (Box){numbers[0], numbers[1], numbers[2], numbers[3]};
      return options->has_mask_box;
    case POINT:
      options->has_focus = parse_numbers(text, numbers, 2, 0, 1);
      options->focus_x = numbers[0];
      options->focus_y = numbers[1];
      return options->has_focus;
    case SHARE:
      return parse_number(text, 0, 1, field);
    case SECONDS:
      return parse_number(text, 0, 86400, field);
    case THREADS:
      return parse_whole(text, 1, 64, field);
    case WARM_UP:
      return parse_whole(text, 0, 10000, field);
    case RUNS:
      return parse_whole(text, 1, 100000, field);
    case KEEP:
      return parse_choice(text, KEEP_NAMES, 4, field);
    case NOBODY:
      return parse_choice(text, IF_NO_SUBJECT_NAMES, 3, field);
    case HARDWARE:
      return parse_choice(text, ACCELERATOR_NAMES, 3, field);
    case KERNEL:
      return parse_choice(text, KERNEL_NAMES, 3, field);
  }
  return false;
}

static void check_together(const Options *o) {
  if (o->mode == MODE_PLAN || o->mode == MODE_PORTRAIT)
    if ((o->coc != NULL) != (o->coc_size.width > 0))
      fail(FAIL_USAGE, "--coc and --coc-size belong together; give both or none");
  if (o->keep == KEEP_FOCUS && !o->has_focus) fail(FAIL_USAGE, "--keep focus needs --focus x,y");
  if (o->has_focus && (o->keep == KEEP_ALL || o->keep == KEEP_LARGEST))
    fail(FAIL_USAGE, "--keep %s takes no --focus; use focus or near", KEEP_NAMES[o->keep]);
}

void parse_options(int argc, char **argv, Options *options) {
  bool seen[OPTION_COUNT] = {false};
  *options = (Options){
      .strength = 0.6, .highlights = 0.25, .grain = 1, .threads = 1, .warm_up = 1, .runs = 1, .max_seconds = 600};
  int mode = argc > 1 ? parse_name(argv[1], MODE_NAMES, 7) : -1;
  json_object(NULL);
  json_string("schema", "portraitlite-harness/1");
  json_string("mode", mode < 0 ? NULL : MODE_NAMES[mode]);
  if (mode < 0) fail(FAIL_USAGE, "no mode; give info, run, segment, plan, apply, portrait or step first");
  options->mode = (Mode)mode;
  for (int i = 2; i < argc; i += 2) {
    int index = find_option(argv[i]);
    if (index < 0) fail(FAIL_USAGE, "unknown option %.100s; see docs/harness.md", argv[i]);
    const char *flag = OPTIONS[index].name;
    if (!(OPTIONS[index].allowed >> mode & 1)) fail(FAIL_USAGE, "%s takes no --%s", MODE_NAMES[mode], flag);
    if (i + 1 == argc) fail(FAIL_USAGE, "--%s needs a value", flag);
    if (seen[index] && OPTIONS[index].type != REPEATED) fail(FAIL_USAGE, "--%s is given twice", flag);
    seen[index] = true;
    if (!store(OPTIONS[index].type, argv[i + 1], (char *)options + OPTIONS[index].offset, options))
      fail(FAIL_USAGE, "--%s %.100s makes no sense; see docs/harness.md", flag, argv[i + 1]);
  }
  for (int i = 0; i < OPTION_COUNT; i++)
    if (OPTIONS[i].needed >> mode & 1 && !seen[i]) fail(FAIL_USAGE, "%s needs --%s", MODE_NAMES[mode], OPTIONS[i].name);
  check_together(options);
}
