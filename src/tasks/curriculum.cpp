// SPDX-License-Identifier: Apache-2.0
#include "icl/tasks/curriculum.h"

#include "icl/base/error.h"

namespace icl {

void RampConfig::describe(Fields& f) {
  f.integer("start", start, at_least(1), "value at step 0");
  f.integer("end", end, at_least(1), "last value");
  f.integer("increment", increment, at_least(0), "added every `interval` steps");
  f.integer("interval", interval, at_least(1), "steps between increments");
}

void RampConfig::check(Problems& problems) const {
  if (start > end) {
    problems.add("start", str(start, ", expected at most the end (", end, ")"));
  } else if (increment == 0 && start < end) {
    problems.add("increment", str("0, expected at least 1 where start (", start, ") and end (", end,
                                  ") differ"));
  }
}

int64_t RampConfig::at(int64_t step) const {
  const int64_t rises = step / interval;
  const int64_t room = end - start;
  if (room <= 0 || (increment > 0 && rises > room / increment)) return end;
  return start + increment * rises;
}

int64_t RampConfig::first_step_of_end() const {
  if (start >= end || increment == 0) return 0;
  return ((end - start - 1) / increment + 1) * interval;
}

void CurriculumConfig::describe(Fields& f) {
  f.group("dims", dims, "input dimensions in use; the others are zero");
  f.group("points", points, "points of a prompt");
}

void CurriculumConfig::check(Problems& problems) const {
  Problems of_dims = problems.in("dims"), of_points = problems.in("points");
  dims.check(of_dims);
  points.check(of_points);
}

CurriculumStage curriculum_stage(const CurriculumConfig& config, int64_t step) {
  return {.n_points = config.points.at(step), .n_dims = config.dims.at(step)};
}

}  // namespace icl
