// SPDX-License-Identifier: Apache-2.0
#include "icl/tasks/linear_regression.h"

#include <ATen/ATen.h>

#include "icl/tasks/noisy_linear_regression.h"
#include "products.h"

namespace icl {

void describe_scale(Fields& f, double& scale) {
  f.number("scale", scale, above(0), "factor on the noiseless function value");
}

FunctionParameters draw_weights(const FunctionRequest& request, const RandomStream& stream) {
  return {stream.child("weights").normal({request.count, request.n_dims})};
}

at::Tensor linear_values(const FunctionParameters& parameters, const at::Tensor& xs_BKD) {
  return functions::product(xs_BKD, parameters[0].unsqueeze(2)).squeeze(2);
}

void LinearRegression::describe(Fields& f) {
  describe_scale(f, scale);
}

FunctionTraits LinearRegression::traits(int64_t n_dims) const {
  return {.normaliser = {"d", static_cast<double>(n_dims)},
          .linear = true,
          .weight_variance = scale * scale,
          .paper_settings = {"random_quadrants", "orthogonal", "overlapping", "half_subspace",
                             "skewed", "scale_x_0.333", "scale_x_0.5", "scale_x_2", "scale_x_3",
                             "scale_y_0.333", "scale_y_0.5", "scale_y_2", "scale_y_3", "noisy"}};
}

FunctionParameters LinearRegression::draw(const FunctionRequest& request,
                                          const RandomStream& stream) const {
  return draw_weights(request, stream);
}

at::Tensor LinearRegression::evaluate(const FunctionParameters& parameters,
                                      const at::Tensor& xs_BKD) const {
  return linear_values(parameters, xs_BKD) * scale;
}

Function LinearRegression::noisy() const {
  return NoisyLinearRegression{.scale = scale, .noise_std = 1, .renormalize_ys = true};
}

}  // namespace icl
