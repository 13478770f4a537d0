#include "sizing.h"

#include <math.h>

#include "base.h"

PlanChoice choose_scale(int height, int width, const BlurFacts *facts) {
  for (int i = 0; i < facts->scale_count; i++)
    for (int other = 0; other < 2; other++) {
      int scale = facts->scales[i];
      bool portrait = (height > width) != (other == 1);
      PlanChoice choice = {.scale = scale, .portrait = portrait};
      choice.plan_height = portrait ? facts->long_side : facts->short_side;
      choice.plan_width = portrait ? facts->short_side : facts->long_side;
      choice.used_height = divide_up(height, scale);
      choice.used_width = divide_up(width, scale);
      if (choice.used_height <= choice.plan_height && choice.used_width <= choice.plan_width) return choice;
    }
  int scale = facts->scales[facts->scale_count - 1];
  fail(FAIL_INPUT, "the photo has %d x %d pixels; the blur takes at most %d x %d in either orientation; scale it down",
       width, height, facts->long_side * scale, facts->short_side * scale);
}

double disc_radius(int height, int width, int scale, double strength, const BlurFacts *facts) {
  double share = facts->max_radius / hypot(facts->long_side, facts->short_side);
  return strength * share * hypot(height, width) / scale;
}

float level_of_radius(double radius, const BlurFacts *facts) {
  double step = facts->max_radius / (facts->layers - 1);
  double below = fmin(fmax(floor(radius / step), 0), facts->layers - 2);
  double near = below * step, far = (below + 1) * step;
  double share = fmin(fmax((radius * radius - near * near) / (far * far - near * near), 0), 1);
  /* Root of u^2 / (u^2 + 1 - u) = share, in the form that divides by nothing small. */
  return (float)(below + 2 * sqrt(share) / (sqrt(4 - 3 * share) + sqrt(share)));
}

int tile_side(int side, int scale) { return (int)rint((double)side / scale) * scale; }
