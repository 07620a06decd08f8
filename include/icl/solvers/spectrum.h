// SPDX-License-Identifier: Apache-2.0
//
// Solvers of linear regression as filters of a spectrum. With A = X^T X / n = V diag(l) V^T and
// b = X^T y / n, each of them gives the weights w = V diag(f(l)) V^T b for a function f of its own.
//
//   const icl::Spectrum spectrum(xs_BKD, ys_BK);
//   const at::Tensor ridge_BD = spectrum.weights(icl::ridge_filter(spectrum.values_BD, 0.1));
//   const at::Tensor step_B1 = icl::optimal_step(spectrum.values_BD);
//   const at::Tensor gd_BD =
//       spectrum.weights(icl::descent_filter(spectrum.values_BD, step_B1, /*iterations=*/4));
//
// Everything is float64 on the CPU. Numbers that are not finite give weights that are not finite;
// they never throw. Each prompt is solved by itself.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace icl {

// Eigenvalues [..., D], ascending, and eigenvectors [..., D, D], a column each, of symmetric
// matrices float64 [..., D, D]; NaN for a matrix that holds a number that is not finite.
struct SymmetricEigen {
  at::Tensor values, vectors;
};
SymmetricEigen symmetric_eigen(const at::Tensor& matrices);

struct Spectrum {
  Spectrum(const at::Tensor& xs_BKD, const at::Tensor& ys_BK);
  // Of the first 1, 2, ..., K points of one prompt, xs [K, D] and ys [K]: K spectra.
  static Spectrum of_prefixes(const at::Tensor& xs_KD, const at::Tensor& ys_K);

  // For filters [..., B, D]: the weights [..., B, D].
  at::Tensor weights(const at::Tensor& filters) const;

  int64_t n_points = 0;    // n, of the longest
  at::Tensor values_BD;    // l, ascending, at least 0
  at::Tensor vectors_BDD;  // V
  at::Tensor moment_BD;    // V^T b

 private:
  Spectrum() = default;
};

// 1 / l, and 0 in directions whose l is below `cut` of the largest: the solution of minimum norm.
at::Tensor least_squares_filter(const at::Tensor& values_BD, double cut = 1e-10);
// 1 / (l + penalty).
at::Tensor ridge_filter(const at::Tensor& values_BD, double penalty);

// 2 / (largest l + smallest l), the best constant step of gradient descent: [B, 1].
at::Tensor optimal_step(const at::Tensor& values_BD);
// (1 - (1 - step l)^iterations) / l: steps of this size along the gradient, from w = 0. `step` [B,
// 1], or [B, D] where it differs by direction.
at::Tensor descent_filter(const at::Tensor& values_BD, const at::Tensor& step, int64_t iterations);
// Newton's iteration for the inverse of A, M <- 2 M - M A M from M = A / l_max^2, and w = M b (Fu
// et al. 2023): (1 - (1 - (l / l_max)^2)^(2^iterations)) / l.
at::Tensor newton_filter(const at::Tensor& values_BD, int64_t iterations);

}  // namespace icl
