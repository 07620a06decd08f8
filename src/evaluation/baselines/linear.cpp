// SPDX-License-Identifier: Apache-2.0
#include <ATen/ATen.h>

#include "icl/solvers/online_least_squares.h"
#include "icl/solvers/spectrum.h"
#include "src/evaluation/baselines/learners.h"
#include "src/evaluation/baselines/prompts.h"
#include "src/solvers/dot.h"

namespace icl {
namespace {

// A direction whose eigenvalue is below this share of the largest holds no point.
constexpr double kNull = 1e-12;

at::Tensor penalised(const BaselineInput& input, const BaselineOptions& options, double penalty) {
  return for_each_prompt(input, options, [penalty](const PromptView& prompt, double* out) {
    OnlineLeastSquares solver(prompt.n_dims, penalty);
    for (int64_t i = 1; i < prompt.n_points; ++i) {
      solver.add(prompt.x(i - 1), prompt.ys[i - 1]);
      out[i] = dot(solver.solve().data(), prompt.query(i), prompt.n_dims);
    }
  });
}

// Predictions of the weights that `filter` makes of the spectrum of the first i points: it maps the
// values [K - 1, D] to the filter, and its answer in directions without a point does not count.
template <class Filter>
at::Tensor spectral(const BaselineInput& input, const BaselineOptions& options,
                    const Filter& filter) {
  check_input(input);
  const at::Tensor xs = input.xs_BKD.to(at::kCPU, at::kDouble);
  const at::Tensor ys = input.ys_BK.to(at::kCPU, at::kDouble);
  const at::Tensor queries =
      input.queries_BKD.defined() ? input.queries_BKD.to(at::kCPU, at::kDouble) : xs;
  const int64_t before = xs.size(1) - 1;  // points that have one after them
  at::Tensor predictions = at::zeros_like(ys);
  if (before == 0) return predictions.to(input.xs_BKD.options());
  WorkCount count(xs.size(0), options);
  in_parallel(xs.size(0), [&](int64_t b) {  // one prompt at a time bounds the memory to K D^2
    const at::NoGradGuard no_grad;
    const Spectrum spectrum =
        Spectrum::of_prefixes(xs[b].narrow(0, 0, before), ys[b].narrow(0, 0, before));
    const at::Tensor& values = spectrum.values_BD;
    const at::Tensor present = values > kNull * values.narrow(1, values.size(1) - 1, 1);
    const at::Tensor gain = at::where(present, filter(values, present), at::zeros_like(values));
    predictions[b].narrow(0, 1, before) =
        (spectrum.weights(gain) * queries[b].narrow(0, 1, before)).sum(1);
    count.add(1);
  });
  return predictions.to(input.xs_BKD.options());
}

}  // namespace

at::Tensor predict_zero(const BaselineInput& input, const BaselineOptions& /*options*/) {
  check_input(input);
  return at::zeros({input.xs_BKD.size(0), input.xs_BKD.size(1)}, input.xs_BKD.options());
}

// w = mean of x_j y_j (Garg et al. 2022).
at::Tensor predict_averaging(const BaselineInput& input, const BaselineOptions& options) {
  return for_each_prompt(input, options, [](const PromptView& prompt, double* out) {
    std::vector<double> sum(prompt.n_dims);
    for (int64_t i = 1; i < prompt.n_points; ++i) {
      const double* x = prompt.x(i - 1);
      for (int64_t j = 0; j < prompt.n_dims; ++j) sum[j] += x[j] * prompt.ys[i - 1];
      out[i] = dot(sum.data(), prompt.query(i), prompt.n_dims) / static_cast<double>(i);
    }
  });
}

at::Tensor predict_least_squares(const BaselineInput& input, const BaselineOptions& options) {
  return penalised(input, options, 0);
}

at::Tensor predict_ridge(const BaselineInput& input, const BaselineOptions& options) {
  return penalised(input, options, options.ridge_penalty);
}

// Steps 2 / (L + mu) along the gradient X^T (Xw - y) / n from w = 0, where L and mu are the largest
// and the smallest non-zero eigenvalue of X^T X / n.
at::Tensor predict_gradient_descent(const BaselineInput& input, const BaselineOptions& options,
                                    int64_t iterations) {
  return spectral(
      input, options, [iterations](const at::Tensor& values, const at::Tensor& present) {
        const at::Tensor largest = values.narrow(1, values.size(1) - 1, 1);
        const at::Tensor smallest = at::where(present, values, largest).amin(1, /*keepdim=*/true);
        return descent_filter(values, 2 / (largest + smallest), iterations);
      });
}

at::Tensor predict_newton(const BaselineInput& input, const BaselineOptions& options,
                          int64_t iterations) {
  return spectral(input, options,
                  [iterations](const at::Tensor& values, const at::Tensor& /*present*/) {
                    return newton_filter(values, iterations);
                  });
}

}  // namespace icl
