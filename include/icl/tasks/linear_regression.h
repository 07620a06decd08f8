// SPDX-License-Identifier: Apache-2.0
//
// y = scale * w.x with w ~ N(0, I) (Garg et al. 2022, section 2).
//
//   icl::TaskConfig task{.function = icl::LinearRegression{.scale = 2}, .n_dims = 20};
#pragma once

#include "icl/tasks/function_class.h"

namespace icl {

struct LinearRegression {
  static constexpr const char* kName = "linear_regression";
  static constexpr const char* kSummary = "a linear function";
  double scale = 1;

  void describe(Fields& f);
  FunctionTraits traits(int64_t n_dims) const;
  FunctionParameters draw(const FunctionRequest& request, const RandomStream& stream) const;
  at::Tensor evaluate(const FunctionParameters& parameters, const at::Tensor& xs_BKD) const;
  Function noisy() const;
};

// The key "scale", which every linear class has.
void describe_scale(Fields& f, double& scale);
// Weights [count, D] ~ N(0, I).
FunctionParameters draw_weights(const FunctionRequest& request, const RandomStream& stream);
// w.x of every point: [B, K]; the same bits for any number of threads.
at::Tensor linear_values(const FunctionParameters& parameters, const at::Tensor& xs_BKD);

}  // namespace icl
