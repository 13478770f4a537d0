#include "path.h"

#include <stdlib.h>
#include <string.h>

#include "applying.h"
#include "base.h"
#include "json.h"
#include "planning.h"
#include "segmenting.h"
#include "timing.h"

static uint8_t *read_photo(const Options *options, Frame *frame) {
  size_t bytes = 3 * (size_t)options->size.height * (size_t)options->size.width;
  uint8_t *pixels = read_exactly(options->photo, bytes, "the photo");
  *frame = (Frame){pixels, options->size.height, options->size.width};
  return pixels;
}

void run_segment(const Options *options) {
  ModelFacts facts;
  Frame frame;
  Segmenting segmenting;
  read_facts(options->facts, &facts, NULL);
  uint8_t *pixels = read_photo(options, &frame);
  open_library(options);
  json_array("models");
  open_segmenting(options, &facts, &segmenting);
  json_close();
  while (timing_next(options)) {
    run_segmenting(&segmenting, &frame);
    timing_done();
  }
  dump_segmenting(&segmenting);
  describe_timing();
  json_object("result");
  describe_segmenting(&segmenting);
  json_close();
  close_segmenting(&segmenting);
  free(pixels);
}

void run_plan(const Options *options) {
  BlurFacts facts;
  Frame frame;
  Planning planning;
  Map map = {options->mask_size.height, options->mask_size.width, options->mask_box};
  if (!options->has_mask_box) map.box = (Box){0, 0, map.width, map.height};
  check_box(map);
  read_facts(options->facts, NULL, &facts);
  uint8_t *mask = read_exactly(options->mask, (size_t)map.height * (size_t)map.width, "the mask");
  uint8_t *pixels = read_photo(options, &frame);
  open_library(options);
  json_array("models");
  open_planning(options, &facts, &frame, &planning);
  json_close();
  while (timing_next(options)) {
    run_planning(&planning, &frame, mask, map);
    timing_done();
  }
  dump_planning(&planning);
  describe_timing();
  json_object("result");
  describe_choice(planning.choice);
  json_close();
  close_planning(&planning);
  free(mask);
  free(pixels);
}

void run_apply(const Options *options) {
  BlurFacts facts;
  Frame frame;
  Applying applying;
  read_facts(options->facts, NULL, &facts);
  uint8_t *pixels = read_photo(options, &frame);
  PlanChoice choice = choose_scale(frame.height, frame.width, &facts);
  size_t size = (size_t)choice.plan_height * (size_t)choice.plan_width * PLAN_CHANNELS * sizeof(float);
  float *plan = read_exactly(options->plan, size, "the plan");
  open_library(options);
  json_array("models");
  open_applying(options, &facts, &frame, &applying);
  json_close();
  while (timing_next(options)) {
    run_applying(&applying, &frame, plan);
    timing_done();
  }
  save_applying(&applying);
  describe_timing();
  json_object("result");
  describe_applying(&applying);
  json_close();
  close_applying(&applying);
  free(plan);
  free(pixels);
}

/* Whether there is anything to blur; an empty mask makes everything background. */
static bool decide(const Options *options, Segmenting *segmenting) {
  const Output *output = &segmenting->output;
  if (segmenting->subject.share < MIN_SHARE) {
    if (options->if_no_subject == NO_SUBJECT_FAIL)
      fail(FAIL_NO_SUBJECT, "no subject found (%.2f %% of the photo); nothing was made of it",
           100 * segmenting->subject.share);
    if (options->if_no_subject == NO_SUBJECT_COPY) return false;
    memset(segmenting->subject.values, 0, (size_t)output->height * (size_t)output->width);
  }
  return options->strength > 0;
}

void run_portrait(const Options *options) {
  ModelFacts model_facts;
  BlurFacts blur_facts;
  Frame frame;
  Segmenting segmenting;
  Planning planning;
  Applying applying;
  read_facts(options->facts, &model_facts, &blur_facts);
  uint8_t *pixels = read_photo(options, &frame);
  open_library(options);
  json_array("models");
  open_segmenting(options, &model_facts, &segmenting);
  open_planning(options, &blur_facts, &frame, &planning);
  open_applying(options, &blur_facts, &frame, &applying);
  json_close();
  while (timing_next(options)) {
    run_segmenting(&segmenting, &frame);
    bool blurred = decide(options, &segmenting);
    if (blurred) {
      Map map = {segmenting.output.height, segmenting.output.width, segmenting.box};
      run_planning(&planning, &frame, segmenting.subject.values, map);
    }
    run_applying(&applying, &frame, blurred ? planning.plan : NULL);
    timing_done();
  }
  dump_segmenting(&segmenting);
  dump_planning(&planning);
  save_applying(&applying);
  describe_timing();
  json_object("result");
  describe_segmenting(&segmenting);
  describe_applying(&applying);
  json_close();
  close_segmenting(&segmenting);
  close_planning(&planning);
  close_applying(&applying);
  free(pixels);
}
