// SPDX-License-Identifier: Apache-2.0
#include "icl/tasks/curriculum.h"

namespace icl {
namespace {

int64_t value_at(const RampConfig& ramp, int64_t step) {
  const int64_t rises = step / ramp.interval;
  const int64_t room = ramp.end - ramp.start;
  if (room <= 0 || (ramp.increment > 0 && rises > room / ramp.increment)) return ramp.end;
  return ramp.start + ramp.increment * rises;
}

}  // namespace

CurriculumStage curriculum_stage(const CurriculumConfig& config, int64_t step) {
  return {.n_points = value_at(config.points, step), .n_dims = value_at(config.dims, step)};
}

}  // namespace icl
