// SPDX-License-Identifier: Apache-2.0
//
// x ~ N(0, I).
//
//   icl::InputConfig inputs{.distribution = icl::GaussianInputs{}, .scale = 0.5};
#pragma once

#include "icl/tasks/input_distribution.h"

namespace icl {

struct GaussianInputs {
  static constexpr const char* kName = "gaussian";
  static constexpr const char* kSummary = "isotropic Gaussian";
  static constexpr bool kIsotropic = true;

  at::Tensor draw(const InputRequest& request) const;
};

}  // namespace icl
