// SPDX-License-Identifier: Apache-2.0
//
// Iterative and regularised solvers of linear regression, as curves over their steps: what the
// layers of a model are compared with. Each is a filter of the spectrum (icl/solvers/spectrum.h).
//
// clang-format off
//   gd       gradient descent from zero with the optimal constant step 2 / (l_max + l_min)
//   gd++     the same on inputs x (I - gamma X^T X), gamma shared by all prompts, step as in gd
//            (von Oswald et al. 2023; Grazzi et al. 2024)
//   newton   M_0 = a A with a = 1 / l_max^2, M_{k+1} = 2 M_k - M_k A M_k, w = M_k b (Fu et al. 2023)
//   ridge    (A + penalty I)^{-1} b for penalties from 100 down to 1e-6
// clang-format on
//
//   const icl::Spectrum spectrum(xs_BKD, ys_BK);
//   const at::Tensor predictions_SBQ =
//       icl::make_reference("gd", 24).predict(spectrum, queries_BQD);
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "icl/solvers/spectrum.h"

namespace icl {

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

struct GammaSearch {
  double gamma = 0;          // 0: no error was finite
  double low = 0, high = 0;  // ends of the grid
  bool at_edge = false;      // the best is the first or the last of the grid
};

// The best of a grid by the squared error at the queries after `iterations` steps. The published
// grid, 300 log-spaced values in [1e-6, 1e-3] (after 22 of 24 iterations), is for D = 20 and n =
// 40; its ends move as the reciprocal of the largest eigenvalue (sqrt(n) + sqrt(D))^2 of X^T X of
// Gaussian inputs, the lower end only down and the upper end only up. `poll` may throw to stop.
GammaSearch search_gamma(const Spectrum& spectrum, const at::Tensor& queries_BQD,
                         const at::Tensor& ys_BQ, int64_t iterations = 22,
                         const std::function<void()>& poll = {});

}  // namespace icl
