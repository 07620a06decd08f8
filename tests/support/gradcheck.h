// SPDX-License-Identifier: Apache-2.0
//
// Gradients against central differences in float64.
//
//   gradcheck([&](const auto& in) { return std::vector{in[0] * in[1]}; }, {a, b});
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <functional>
#include <vector>

namespace icl::testing {

using TensorFunction = std::function<std::vector<at::Tensor>(const std::vector<at::Tensor>&)>;

// The derivative of a fixed random combination of all outputs in every element of every input.
inline void gradcheck(const TensorFunction& function, std::vector<at::Tensor> inputs,
                      double step = 1e-6, double tolerance = 1e-6) {
  std::vector<at::Tensor> leaves;
  for (const at::Tensor& input : inputs) {
    leaves.push_back(input.detach().to(at::kDouble).clone().set_requires_grad(true));
  }
  std::vector<at::Tensor> weights;
  const auto combined = [&](const std::vector<at::Tensor>& at) {
    const std::vector<at::Tensor> outputs = function(at);
    at::Tensor total = at::zeros({}, at::kDouble);
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (weights.size() <= i) weights.push_back(at::randn(outputs[i].sizes(), at::kDouble));
      total = total + (outputs[i] * weights[i]).sum();
    }
    return total;
  };
  combined(leaves).backward();
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < leaves.size(); ++i) {
    const at::Tensor analytic =
        leaves[i].grad().defined() ? leaves[i].grad() : at::zeros_like(leaves[i]);
    std::vector<at::Tensor> moved;
    for (const at::Tensor& leaf : leaves) moved.push_back(leaf.detach().clone());
    at::Tensor flat = moved[i].view({-1});
    at::Tensor numeric = at::empty({flat.numel()}, at::kDouble);
    for (int64_t j = 0; j < flat.numel(); ++j) {
      const double value = flat[j].item<double>();
      flat[j] = value + step;
      const double above = combined(moved).item<double>();
      flat[j] = value - step;
      const double below = combined(moved).item<double>();
      flat[j] = value;
      numeric[j] = (above - below) / (2 * step);
    }
    const double difference = (numeric - analytic.reshape({-1})).abs().max().item<double>();
    const double scale = std::max(1.0, numeric.abs().max().item<double>());
    EXPECT_LE(difference / scale, tolerance) << "input " << i;
  }
}

}  // namespace icl::testing
