// SPDX-License-Identifier: Apache-2.0
#include "icl/tasks/noisy_linear_regression.h"

#include <ATen/ATen.h>

#include "icl/tasks/linear_regression.h"

namespace icl {

void NoisyLinearRegression::describe(Fields& f) {
  describe_scale(f, scale);
  f.number("noise_std", noise_std, at_least(0), "standard deviation of the noise on y");
  f.flag("renormalize_ys", renormalize_ys,
         "scale the ys of a batch so that their standard deviation is sqrt(D)");
}

FunctionTraits NoisyLinearRegression::traits(int64_t n_dims) const {
  FunctionTraits traits = LinearRegression{.scale = scale}.traits(n_dims);
  traits.noise_std = noise_std;
  traits.renormalize_ys = renormalize_ys;
  return traits;
}

FunctionParameters NoisyLinearRegression::draw(const FunctionRequest& request,
                                               const RandomStream& stream) const {
  return draw_weights(request, stream);
}

at::Tensor NoisyLinearRegression::evaluate(const FunctionParameters& parameters,
                                           const at::Tensor& xs_BKD) const {
  return linear_values(parameters, xs_BKD) * scale;
}

Function NoisyLinearRegression::noisy() const {
  return NoisyLinearRegression{.scale = scale, .noise_std = 1, .renormalize_ys = true};
}

}  // namespace icl
