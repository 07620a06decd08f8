// SPDX-License-Identifier: Apache-2.0
//
// GPT-2's initialisation, which Attention and Mlp share.
#pragma once

#include <cmath>

#include "icl/models/mixer.h"

namespace icl {

inline constexpr double kTransformerStd = 0.02;

// The two projections of a block onto the residual stream shrink with its depth.
inline double residual_std(Depth depth) {
  return kTransformerStd / std::sqrt(2.0 * static_cast<double>(depth.count));
}

}  // namespace icl
