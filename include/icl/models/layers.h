// SPDX-License-Identifier: Apache-2.0
//
// The small parts that blocks are made of. Their parameters are allocated, not initialised:
// reset_parameters() draws them, loading a checkpoint fills them.
//
//   auto linear = register_module("in_proj", std::make_shared<Linear>(64, 128, /*bias=*/false));
//   linear->reset_parameters();
//   at::Tensor y = linear->forward(x);   // [..., 64] -> [..., 128]
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <vector>

namespace icl {

// y = x W^T + b, with W [out, in].
class Linear : public torch::nn::Module {
 public:
  Linear(int64_t in, int64_t out, bool with_bias = true);
  at::Tensor forward(const at::Tensor& x) const;
  // torch.nn.Linear's: weight and bias uniform within +-1/sqrt(in).
  void reset_parameters();
  // Weight normal with standard deviation `std`, bias zero.
  void reset_normal(double std);

  at::Tensor weight;  // [out, in]
  at::Tensor bias;    // [out], or undefined
};

// The residual stream on its way through the blocks. The last block's update is kept apart, so
// that the next norm can add it in the same pass over memory.
struct Stream {
  at::Tensor residual;  // [..., M]
  at::Tensor update;    // [..., M], not yet added; may be undefined

  at::Tensor value() const;  // residual + update
};

// LayerNorm (weight and bias) or RMSNorm (weight) over the last dimension.
class Norm : public torch::nn::Module {
 public:
  enum class Kind { kLayer, kRms };
  Norm(Kind kind, int64_t width, double eps = 1e-5);
  at::Tensor forward(const at::Tensor& x) const;
  // The norm of the stream's value; the update is added to the residual on the way.
  at::Tensor forward(Stream& stream) const;
  // Weight one, bias zero.
  void reset_parameters();

  at::Tensor weight, bias;  // [M]; the bias of an RMSNorm is undefined

 private:
  Kind kind_;
  double eps_;
};

// The embedding of positions 0 .. n-1, added to the tokens.
class Positions : public torch::nn::Module {
 public:
  Positions(int64_t n_positions, int64_t width);
  // x [B, T, M] at positions first .. first + T - 1. Throws UsageError past the last position.
  at::Tensor forward(const at::Tensor& x_BTM, int64_t first) const;
  // x [B, Q, M], each token at its own position.
  at::Tensor forward(const at::Tensor& x_BQM, const std::vector<int64_t>& positions) const;
  void reset_parameters();  // N(0, 0.02)

  at::Tensor weight;  // [n, M]
};

}  // namespace icl
