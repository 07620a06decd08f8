// SPDX-License-Identifier: Apache-2.0
#include "icl/tasks/relu_2nn_regression.h"

#include <ATen/ATen.h>

#include <cmath>

#include "icl/tasks/linear_regression.h"
#include "products.h"

namespace icl {

void Relu2nnRegression::describe(Fields& f) {
  f.integer("hidden_width", hidden_width, at_least(1), "hidden units of the random network");
}

FunctionTraits Relu2nnRegression::traits(int64_t n_dims) const {
  return {.normaliser = {"d", static_cast<double>(n_dims)},
          .baselines = {"zero", "least_squares", "nearest_3", "averaging", "gd_network"},
          .paper_settings = {"transfer"}};
}

FunctionParameters Relu2nnRegression::draw(const FunctionRequest& request,
                                           const RandomStream& stream) const {
  return {stream.child("first layer").normal({request.count, request.n_dims, hidden_width}),
          stream.child("second layer").normal({request.count, hidden_width, 1})};
}

at::Tensor Relu2nnRegression::evaluate(const FunctionParameters& parameters,
                                       const at::Tensor& xs_BKD) const {
  const at::Tensor hidden = functions::product(xs_BKD, parameters[0]).relu();
  const double factor = std::sqrt(2.0 / static_cast<double>(hidden_width));
  return functions::product(hidden, parameters[1]).squeeze(2) * factor;
}

Function Relu2nnRegression::transfer() const {
  return LinearRegression{};
}

}  // namespace icl
