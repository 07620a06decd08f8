// SPDX-License-Identifier: Apache-2.0
//
// Many two-layer networks trained side by side with Adam, by hand-written gradients.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

namespace icl {

// N networks D - H - 1 with ReLU and biases, all parameters in one tensor.
class NetworkBatch {
 public:
  // parameters [N, parameter_count(D, H)]: W1 [D, H], b1 [H], W2 [H], b2 [1].
  NetworkBatch(const at::Tensor& parameters, int64_t n_dims, int64_t hidden);

  static int64_t parameter_count(int64_t n_dims, int64_t hidden) {
    return n_dims * hidden + 2 * hidden + 1;
  }

  // One step of Adam (beta 0.9 and 0.999, eps 1e-8) on each network's mean of weight * error^2:
  // inputs [N, n, D + 1] with a last column of ones, targets [N, n], weights [N, n].
  void step(const at::Tensor& inputs, const at::Tensor& targets, const at::Tensor& weights,
            double lr);

  at::Tensor predict(const at::Tensor& inputs) const;  // [N, n, D + 1] -> [N, n]
  const at::Tensor& parameters() const { return parameters_; }

 private:
  int64_t steps_ = 0;
  at::Tensor parameters_, gradient_, first_moment_, second_moment_;
  at::Tensor layer1_, layer2_, bias2_;                 // views of parameters_
  at::Tensor gradient1_, gradient2_, gradient_bias2_;  // views of gradient_
};

}  // namespace icl
