// SPDX-License-Identifier: Apache-2.0
#include "icl/tasks/curriculum.h"

#include <algorithm>

namespace icl {
namespace {

int64_t value_at(const RampConfig& ramp, int64_t step) {
  return std::min(ramp.end, ramp.start + ramp.increment * (step / ramp.interval));
}

}  // namespace

CurriculumStage curriculum_stage(const CurriculumConfig& config, int64_t step) {
  return {.n_points = value_at(config.points, step), .n_dims = value_at(config.dims, step)};
}

}  // namespace icl
