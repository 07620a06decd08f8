// SPDX-License-Identifier: Apache-2.0
//
// The points of a prompt lie in one random quadrant; the last point, which asks, lies anywhere
// (Grazzi et al. 2024, section 4).
//
//   icl::InputConfig inputs{.distribution = icl::QuadrantInputs{}};
#pragma once

#include "icl/tasks/input_distribution.h"

namespace icl {

struct QuadrantInputs {
  static constexpr const char* kName = "random_quadrants";
  static constexpr const char* kSummary = "points of one random quadrant, the last from anywhere";

  at::Tensor draw(const InputRequest& request) const;
  at::Tensor arrange(const at::Tensor& xs_BKD, const RandomStream& stream) const;
  std::optional<Inputs> last_point() const;
};

}  // namespace icl
