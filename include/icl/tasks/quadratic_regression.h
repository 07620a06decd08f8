// SPDX-License-Identifier: Apache-2.0
//
// y = scale * sum_j w_j x_j^2 / sqrt(3) with w ~ N(0, I) (Garg et al. 2022, appendix A.1): E[x^4] =
// 3 for a Gaussian x, so that E[y^2] = D.
//
//   icl::TaskConfig task{.function = icl::QuadraticRegression{}, .n_dims = 20};
#pragma once

#include "icl/tasks/function_class.h"

namespace icl {

struct QuadraticRegression {
  static constexpr const char* kName = "quadratic_regression";
  static constexpr const char* kSummary = "a linear function of squared coordinates";
  double scale = 1;

  void describe(Fields& f);
  FunctionTraits traits(int64_t n_dims) const;
  FunctionParameters draw(const FunctionRequest& request, const RandomStream& stream) const;
  at::Tensor evaluate(const FunctionParameters& parameters, const at::Tensor& xs_BKD) const;
};

}  // namespace icl
