// SPDX-License-Identifier: Apache-2.0
//
// The exact end of the lasso's regularisation path.
//
//   std::vector<double> weights(2);
//   icl::follow_lasso_path({4, 0, 0, 4}, {6, 2}, /*penalty=*/2, weights);   // (1, 0)
#pragma once

#include <cstdint>
#include <vector>

namespace icl {

// Minimises w^T G w / 2 - b^T w + penalty |w|_1 by following the piecewise linear path of solutions
// from the penalty where w = 0 down to the asked one (Osborne, Presnell, Turlach 2000; Efron et al.
// 2004). `gram` is row-major. False where the path is degenerate: columns that enter together or
// depend on one another; `weights` are then left alone.
bool follow_lasso_path(const std::vector<double>& gram, const std::vector<double>& moment,
                       double penalty, std::vector<double>& weights);

}  // namespace icl
