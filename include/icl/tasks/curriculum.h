// SPDX-License-Identifier: Apache-2.0
//
// The curriculum at a step: a pure function, so that a resumed run needs no state for it.
//
//   const CurriculumStage stage = curriculum_stage(config.training.curriculum, step);
//   // stage.n_points, stage.n_dims
#pragma once

#include <cstdint>

#include "icl/config/curriculum_config.h"

namespace icl {

struct CurriculumStage {
  int64_t n_points = 0;
  int64_t n_dims = 0;
};

// Step indices count from 0; the first step with a new value is a multiple of the interval.
CurriculumStage curriculum_stage(const CurriculumConfig& config, int64_t step);

}  // namespace icl
