// SPDX-License-Identifier: Apache-2.0
#include <ATen/ATen.h>

#include "src/evaluation/baselines/learners.h"
#include "src/evaluation/baselines/online_least_squares.h"
#include "src/evaluation/baselines/prompts.h"

namespace icl {
namespace {

at::Tensor penalised(const BaselineInput& input, const BaselineOptions& options, double penalty) {
  return for_each_prompt(input, options, [penalty](const PromptView& prompt, double* out) {
    OnlineLeastSquares solver(prompt.n_dims, penalty);
    for (int64_t i = 1; i < prompt.n_points; ++i) {
      solver.add(prompt.x(i - 1), prompt.ys[i - 1]);
      out[i] = dot(solver.solve().data(), prompt.query(i), prompt.n_dims);
    }
  });
}

// Predictions of w_i = V f(s_i) V^T X^T y, where s_i and V are the eigenvalues (ascending) and
// eigenvectors of the Gram matrix X^T X of the first i points. `filter` maps s [B, K, D] to f(s)
// and is asked for no eigenvalue of a null direction: those it returns are dropped.
template <class Filter>
at::Tensor spectral(const BaselineInput& input, const Filter& filter) {
  check_input(input);
  const at::Tensor xs = input.xs_BKD.to(at::kCPU, at::kDouble);
  const at::Tensor ys = input.ys_BK.to(at::kCPU, at::kDouble);
  const at::Tensor queries =
      input.queries_BKD.defined() ? input.queries_BKD.to(at::kCPU, at::kDouble) : xs;
  const int64_t n_points = xs.size(1);
  const int64_t n_dims = xs.size(2);
  at::Tensor predictions = at::zeros_like(ys);
  for (int64_t b = 0; b < xs.size(0); ++b) {  // one prompt at a time bounds the memory to K D^2
    const at::Tensor x = xs[b].narrow(0, 0, n_points - 1);
    const at::Tensor y = ys[b].narrow(0, 0, n_points - 1);
    const at::Tensor gram = at::cumsum(x.unsqueeze(2) * x.unsqueeze(1), 0);
    const at::Tensor moment = at::cumsum(x * y.unsqueeze(1), 0);
    const auto [s, v] = at::linalg_eigh(gram);
    const at::Tensor largest = s.narrow(1, n_dims - 1, 1);
    const at::Tensor present = s > 1e-12 * largest;
    const at::Tensor safe = at::where(present, s, at::ones_like(s));
    const at::Tensor gain = at::where(present, filter(safe, present, largest), at::zeros_like(s));
    const at::Tensor rotated = at::matmul(moment.unsqueeze(1), v).squeeze(1);
    const at::Tensor weights = at::matmul(v, (gain * rotated).unsqueeze(2)).squeeze(2);
    predictions[b].narrow(0, 1, n_points - 1) =
        (weights * queries[b].narrow(0, 1, n_points - 1)).sum(1);
  }
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

// w_0 = 0 and steps 2 / (L + mu) along the gradient X^T (Xw - y) / n, where L and mu are the
// largest and the smallest non-zero eigenvalue of X^T X / n. After k steps, direction s has come to
// (1 - (1 - step s)^k) of its least-squares value.
at::Tensor predict_gradient_descent(const BaselineInput& input, const BaselineOptions& /*options*/,
                                    int64_t iterations) {
  return spectral(input, [iterations](const at::Tensor& s, const at::Tensor& present,
                                      const at::Tensor& largest) {
    const at::Tensor smallest = at::where(present, s, largest).amin(1, /*keepdim=*/true);
    const at::Tensor step = 2 / (largest + smallest);
    return (1 - at::pow(1 - step * s, iterations)) / s;
  });
}

// Newton's iteration for the inverse, M <- 2M - M S M with S = X^T X, from M_0 = S / |S|^2, and
// w_k = M_k X^T y (Fu et al. 2023): direction s has come to 1 - (1 - s^2 / |S|^2)^(2^k).
at::Tensor predict_newton(const BaselineInput& input, const BaselineOptions& /*options*/,
                          int64_t iterations) {
  return spectral(input, [iterations](const at::Tensor& s, const at::Tensor& /*present*/,
                                      const at::Tensor& largest) {
    at::Tensor missing = 1 - at::square(s / largest);
    for (int64_t k = 0; k < iterations; ++k) missing = at::square(missing);
    return (1 - missing) / s;
  });
}

}  // namespace icl
