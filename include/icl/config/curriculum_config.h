// SPDX-License-Identifier: Apache-2.0
//
// Fewer dimensions and points first (Garg et al. 2022, appendix A.2): each grows by `increment`
// every `interval` steps until `end`.
//
//   CurriculumConfig config;    // the paper's: dimensions 5 to 20, points 11 to 41
//   CurriculumStage stage = curriculum_stage(config, /*step=*/2000);   // {13, 6}
#pragma once

#include <cstdint>

#include "icl/config/fields.h"

namespace icl {

struct RampConfig {
  int64_t start = 5;
  int64_t end = 20;
  int64_t increment = 1;
  int64_t interval = 2000;

  void describe(Fields& f) {
    f.integer("start", start, at_least(1), "value at step 0");
    f.integer("end", end, at_least(1), "last value");
    f.integer("increment", increment, at_least(0), "added every `interval` steps");
    f.integer("interval", interval, at_least(1), "steps between increments");
  }
};

struct CurriculumConfig {
  RampConfig dims;
  RampConfig points{.start = 11, .end = 41, .increment = 2};

  void describe(Fields& f) {
    f.group("dims", dims, "input dimensions in use; the others are zero");
    f.group("points", points, "points of a prompt");
  }
};

}  // namespace icl
