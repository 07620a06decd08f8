// SPDX-License-Identifier: Apache-2.0
//
// Iterative and regularised solvers of linear regression, as curves over their steps: what the
// layers of a model are compared with.
//
// With A = X^T X / n = V diag(l) V^T and b = X^T y / n, every one of them is a filter of the
// spectrum, w = V diag(f(l)) V^T b:
//   gd       gradient descent from zero with the optimal constant step 2 / (l_max + l_min)
//   gd++     the same on inputs x (I - gamma X^T X), gamma shared by all prompts, step as in gd
//            (von Oswald et al. 2023; Grazzi et al. 2024)
//   newton   M_0 = a A with a = 1 / l_max^2, M_{k+1} = 2 M_k - M_k A M_k, w = M_k b (Fu et al.
//   2023) ridge    (A + penalty I)^{-1} b for penalties from 100 down to 1e-6
//
//   Spectrum spectrum(xs_BKD, ys_BK);
//   at::Tensor predictions_SBQ = make_reference("gd", 24).predict(spectrum, queries_BQD);
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace icl {

// Everything in float64 on the CPU.
struct Spectrum {
  Spectrum(const at::Tensor& xs_BKD, const at::Tensor& ys_BK);

  int64_t n_points;
  at::Tensor values_BD;    // l, ascending, at least 0
  at::Tensor vectors_BDD;  // V, a column each
  at::Tensor moment_BD;    // V^T b
};

struct Reference {
  std::string name;
  std::vector<double> steps;  // iterations, or penalties
  double gamma = 0;
  // f(l) of each step: [S, B, D]
  std::function<at::Tensor(const Spectrum&)> filters;

  at::Tensor weights(const Spectrum& spectrum) const;                                 // [S, B, D]
  at::Tensor predict(const Spectrum& spectrum, const at::Tensor& queries_BQD) const;  // [S, B, Q]
};

// gd, gd++ (give its gamma), newton or ridge. Throws UsageError for another name.
Reference make_reference(const std::string& name, int64_t iterations, double gamma = 0);
const std::vector<std::string>& reference_names();

// The best of 300 log-spaced values in [1e-6, 1e-3] by the squared error at the queries after
// `iterations` steps, as published (there: 22 of 24).
double search_gamma(const Spectrum& spectrum, const at::Tensor& queries_BQD,
                    const at::Tensor& ys_BQ, int64_t iterations = 22);

}  // namespace icl
