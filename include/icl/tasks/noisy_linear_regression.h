// SPDX-License-Identifier: Apache-2.0
//
// y = scale * w.x + noise with w ~ N(0, I) (Garg et al. 2022, appendix A.1; Grazzi et al. 2024,
// whose `renormalize_ys` scales the ys of a batch).
//
//   icl::TaskConfig task{.function = icl::NoisyLinearRegression{.noise_std = 0.5}, .n_dims = 20};
#pragma once

#include "icl/tasks/function_class.h"

namespace icl {

struct NoisyLinearRegression {
  static constexpr const char* kName = "noisy_linear_regression";
  static constexpr const char* kSummary = "a linear function with Gaussian noise on y";
  double scale = 1;
  double noise_std = 0;
  bool renormalize_ys = false;

  void describe(Fields& f);
  FunctionTraits traits(int64_t n_dims) const;
  FunctionParameters draw(const FunctionRequest& request, const RandomStream& stream) const;
  at::Tensor evaluate(const FunctionParameters& parameters, const at::Tensor& xs_BKD) const;
  Function noisy() const;
};

}  // namespace icl
