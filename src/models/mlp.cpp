// SPDX-License-Identifier: Apache-2.0
#include "icl/models/mlp.h"

#include <ATen/ATen.h>

#include "src/models/transformer_init.h"

namespace icl {
namespace {

at::Tensor activate(const at::Tensor& x, Activation activation) {
  switch (activation) {
    case Activation::kGelu:
      return at::gelu(x);
    case Activation::kGeluTanh:
      return at::gelu(x, "tanh");
    case Activation::kRelu:
      return at::relu(x);
    case Activation::kSilu:
      return at::silu(x);
  }
  return x;
}

}  // namespace

Mlp::Mlp(const MlpOptions& options) : activation_(options.activation) {
  const int64_t inner = options.d_ffn > 0 ? options.d_ffn : 4 * options.d_model;
  const auto linear = [&](const char* name, int64_t in, int64_t out) {
    return register_module(name, std::make_shared<Linear>(in, out, options.bias));
  };
  if (options.gated) gate_ = linear("gate", options.d_model, inner);
  c_fc_ = linear("c_fc", options.d_model, inner);
  c_proj_ = linear("c_proj", inner, options.d_model);
}

void Mlp::reset_parameters(Depth depth) {
  if (gate_) gate_->reset_normal(kTransformerStd);
  c_fc_->reset_normal(kTransformerStd);
  c_proj_->reset_normal(residual_std(depth));
}

at::Tensor Mlp::forward(const at::Tensor& x_BTM, Slots) {
  if (!gate_) return c_proj_->forward(activate(c_fc_->forward(x_BTM), activation_));
  return c_proj_->forward(activate(gate_->forward(x_BTM), activation_) * c_fc_->forward(x_BTM));
}

std::pair<at::Tensor, at::Tensor> Mlp::branch(const at::Tensor& context_BTM,
                                              const at::Tensor& queries_BQM,
                                              const std::vector<int64_t>&) {
  return {forward(context_BTM), forward(queries_BQM)};
}

}  // namespace icl
