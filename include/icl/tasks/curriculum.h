// SPDX-License-Identifier: Apache-2.0
//
// Fewer dimensions and points first (Garg et al. 2022, appendix A.2): each grows by `increment`
// every `interval` steps until `end`. The stage is a pure function of the step, so that a resumed
// run needs no state for it.
//
//   icl::CurriculumConfig config;    // the paper's: dimensions 5 to 20, points 11 to 41
//   icl::CurriculumStage stage = icl::curriculum_stage(config, /*step=*/2000);   // {13, 6}
#pragma once

#include <cstdint>

#include "icl/config/fields.h"
#include "icl/config/problems.h"

namespace icl {

struct RampConfig {
  int64_t start = 5;
  int64_t end = 20;
  int64_t increment = 1;
  int64_t interval = 2000;

  void describe(Fields& f);
  // An increment of 0 keeps the start only where start and end are equal.
  void check(Problems& problems) const;
  // Step indices count from 0; the first step with a new value is a multiple of the interval.
  int64_t at(int64_t step) const;
  // The first step that has the value `end`.
  int64_t first_step_of_end() const;
};

struct CurriculumConfig {
  RampConfig dims;
  RampConfig points{.start = 11, .end = 41, .increment = 2};

  void describe(Fields& f);
  void check(Problems& problems) const;
};

struct CurriculumStage {
  int64_t n_points = 0;
  int64_t n_dims = 0;
};

CurriculumStage curriculum_stage(const CurriculumConfig& config, int64_t step);

}  // namespace icl
