// SPDX-License-Identifier: Apache-2.0
#include "icl/solvers/online_lasso.h"
#include "src/evaluation/baselines/learners.h"
#include "src/evaluation/baselines/prompts.h"
#include "src/solvers/dot.h"

namespace icl {

// scikit-learn's objective |y - Xw|^2 / (2 n) + alpha |w|_1, without an intercept.
at::Tensor predict_lasso(const BaselineInput& input, const BaselineOptions& options, double alpha) {
  return for_each_prompt(input, options, [alpha](const PromptView& prompt, double* out) {
    OnlineLasso solver(prompt.n_dims);
    for (int64_t i = 1; i < prompt.n_points; ++i) {
      solver.add(prompt.x(i - 1), prompt.ys[i - 1]);
      const std::vector<double>& weights = solver.solve(alpha * static_cast<double>(i));
      out[i] = dot(weights.data(), prompt.query(i), prompt.n_dims);
      prompt.point_done();
    }
  });
}

}  // namespace icl
