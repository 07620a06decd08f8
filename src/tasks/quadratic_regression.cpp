// SPDX-License-Identifier: Apache-2.0
#include "icl/tasks/quadratic_regression.h"

#include <ATen/ATen.h>

#include <cmath>

#include "icl/tasks/linear_regression.h"

namespace icl {

void QuadraticRegression::describe(Fields& f) {
  describe_scale(f, scale);
}

FunctionTraits QuadraticRegression::traits(int64_t n_dims) const {
  return {.normaliser = {"d", static_cast<double>(n_dims)}};
}

FunctionParameters QuadraticRegression::draw(const FunctionRequest& request,
                                             const RandomStream& stream) const {
  return draw_weights(request, stream);
}

at::Tensor QuadraticRegression::evaluate(const FunctionParameters& parameters,
                                         const at::Tensor& xs_BKD) const {
  return linear_values(parameters, xs_BKD.square()) * scale / std::sqrt(3.0);
}

}  // namespace icl
