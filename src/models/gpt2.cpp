// SPDX-License-Identifier: Apache-2.0
#include "icl/models/gpt2.h"

#include <ATen/ATen.h>

#include <cmath>

#include "icl/base/error.h"

namespace icl {
namespace {

constexpr double kInitStd = 0.02;

// The two projections of a block onto the residual stream shrink with its depth.
double residual_std(Depth depth) {
  return kInitStd / std::sqrt(2.0 * static_cast<double>(depth.count));
}

int64_t ffn_width(const Gpt2Options& options) {
  return options.d_ffn > 0 ? options.d_ffn : 4 * options.d_model;
}

}  // namespace

Attention::Attention(const Gpt2Options& options) : n_head_(options.n_head) {
  if (options.n_head < 1 || options.d_model % options.n_head != 0) {
    throw UsageError(str("model.n_head is ", options.n_head,
                         ", expected a divisor of model.d_model, ", options.d_model));
  }
  scale_ = options.attention_scale > 0
               ? options.attention_scale
               : 1.0 / std::sqrt(static_cast<double>(options.d_model / options.n_head));
  c_attn_ =
      register_module("c_attn", std::make_shared<Linear>(options.d_model, 3 * options.d_model));
  c_proj_ = register_module("c_proj", std::make_shared<Linear>(options.d_model, options.d_model));
}

void Attention::reset_parameters(Depth depth) {
  c_attn_->reset_normal(kInitStd);
  c_proj_->reset_normal(residual_std(depth));
}

Attention::Heads Attention::heads(const at::Tensor& x_BTM) const {
  const int64_t width = x_BTM.size(2) / n_head_;
  const auto qkv = c_attn_->forward(x_BTM)
                       .view({x_BTM.size(0), x_BTM.size(1), 3, n_head_, width})
                       .permute({2, 0, 3, 1, 4});
  return {qkv.select(0, 0), qkv.select(0, 1), qkv.select(0, 2)};
}

at::Tensor Attention::merge(const at::Tensor& y_BHTd) const {
  return c_proj_->forward(y_BHTd.transpose(1, 2).flatten(2));
}

at::Tensor Attention::forward(const at::Tensor& x_BTM, Slots slots) {
  auto [q, k, v] = heads(x_BTM);
  const int64_t seen = slots.empty() ? 0 : slots[0].size(2);
  if (!slots.empty()) {
    slots[0] = k = at::cat({slots[0], k}, 2);
    slots[1] = v = at::cat({slots[1], v}, 2);
  }
  const int64_t length = q.size(2);
  std::optional<at::Tensor> mask;
  if (seen > 0 && length > 1) {
    mask = at::ones({length, seen + length}, q.options().dtype(at::kBool)).tril(seen);
  }
  return merge(at::scaled_dot_product_attention(q, k, v, mask, /*dropout_p=*/0.0,
                                                /*is_causal=*/seen == 0, scale_));
}

std::vector<at::Tensor> Attention::initial_state(int64_t batch) const {
  const int64_t width = c_proj_->weight.size(0) / n_head_;
  const at::Tensor none = at::zeros({batch, n_head_, 0, width}, c_proj_->weight.options());
  return {none, none.clone()};
}

std::pair<at::Tensor, at::Tensor> Attention::branch(const at::Tensor& context_BTM,
                                                    const at::Tensor& queries_BQM,
                                                    const std::vector<int64_t>& lengths) {
  const int64_t n_context = context_BTM.size(1);
  const int64_t n_queries = queries_BQM.size(1);
  auto [q, k, v] = heads(at::cat({context_BTM, queries_BQM}, 1));
  const auto device = q.device();
  const at::Tensor positions = at::arange(n_context, at::kLong).to(device);
  const at::Tensor ends = at::tensor(lengths, at::kLong).to(device);
  // Row: who looks; column: at what. A query sees its part of the context and itself.
  const at::Tensor context_rows =
      at::cat({positions.unsqueeze(0) <= positions.unsqueeze(1),
               at::zeros({n_context, n_queries}, positions.options().dtype(at::kBool))},
              1);
  const at::Tensor query_rows = at::cat({positions.unsqueeze(0) < ends.unsqueeze(1),
                                         at::eye(n_queries, positions.options().dtype(at::kBool))},
                                        1);
  const at::Tensor y =
      merge(at::scaled_dot_product_attention(q, k, v, at::cat({context_rows, query_rows}, 0),
                                             /*dropout_p=*/0.0, /*is_causal=*/false, scale_));
  return {y.narrow(1, 0, n_context), y.narrow(1, n_context, n_queries)};
}

Mlp::Mlp(const Gpt2Options& options) {
  c_fc_ = register_module("c_fc", std::make_shared<Linear>(options.d_model, ffn_width(options)));
  c_proj_ =
      register_module("c_proj", std::make_shared<Linear>(ffn_width(options), options.d_model));
}

void Mlp::reset_parameters(Depth depth) {
  c_fc_->reset_normal(kInitStd);
  c_proj_->reset_normal(residual_std(depth));
}

at::Tensor Mlp::forward(const at::Tensor& x_BTM, Slots) {
  return c_proj_->forward(at::gelu(c_fc_->forward(x_BTM), "tanh"));
}

std::pair<at::Tensor, at::Tensor> Mlp::branch(const at::Tensor& context_BTM,
                                              const at::Tensor& queries_BQM,
                                              const std::vector<int64_t>&) {
  return {forward(context_BTM), forward(queries_BQM)};
}

std::shared_ptr<Block> make_gpt2_block(const Gpt2Options& options) {
  const auto norm = [&] {
    return std::make_shared<Norm>(Norm::Kind::kLayer, options.d_model, options.norm_eps);
  };
  auto block = std::make_shared<Block>();
  block->add("ln_1", norm(), "attn", std::make_shared<Attention>(options));
  block->add("ln_2", norm(), "mlp", std::make_shared<Mlp>(options));
  return block;
}

}  // namespace icl
