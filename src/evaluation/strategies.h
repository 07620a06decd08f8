// SPDX-License-Identifier: Apache-2.0
//
// The prompt strategies of Grazzi et al. 2024 (their eval.py) and Garg et al. 2022, section 4.
#pragma once

#include "icl/evaluation/settings.h"

namespace icl {

// Points |x| * s with random signs s for each prompt; queries x, or -|x| * s.
Arrangement points_of_a_quadrant(const at::Tensor& drawn_BKD, const RandomStream& stream);
Arrangement queries_of_the_opposite_quadrant(const at::Tensor& drawn_BKD,
                                             const RandomStream& stream);
// Query i: x_i without its part in the span of the points before it, at the length of x_i; for i <
// D.
Arrangement orthogonal_queries(const at::Tensor& drawn_BKD, const RandomStream& stream);
// Query i: one of the points before it, uniformly; query 0 is x_0.
Arrangement overlapping_queries(const at::Tensor& drawn_BKD, const RandomStream& stream);

}  // namespace icl
