// SPDX-License-Identifier: Apache-2.0
#include "icl/models/attention.h"

#include <ATen/ATen.h>

#include <cmath>

#include "icl/base/error.h"
#include "src/models/transformer_init.h"

namespace icl {
namespace {

using Projection = AttentionOptions::Projection;

AttentionOptions filled_in(AttentionOptions options) {
  if (options.d_head == 0) {
    if (options.n_head < 1 || options.d_model % options.n_head != 0) {
      throw UsageError(str("model.n_head is ", options.n_head,
                           ", expected a divisor of model.d_model, ", options.d_model));
    }
    options.d_head = options.d_model / options.n_head;
  }
  if (options.n_kv_head == 0) options.n_kv_head = options.n_head;
  if (options.n_head % options.n_kv_head != 0) {
    throw UsageError(str("heads for keys and values: ", options.n_kv_head,
                         ", expected a divisor of the number of heads, ", options.n_head));
  }
  if (options.scale == 0) options.scale = 1.0 / std::sqrt(static_cast<double>(options.d_head));
  ICL_ASSERT(options.projection == Projection::kSeparate || options.n_kv_head == options.n_head,
             "grouped heads need separate projections");
  return options;
}

}  // namespace

Attention::Attention(const AttentionOptions& options) : options_(filled_in(options)) {
  const auto linear = [this](const char* name, int64_t in, int64_t out, bool bias) {
    return register_module(name, std::make_shared<Linear>(in, out, bias));
  };
  const int64_t width = options_.n_head * options_.d_head;
  const int64_t kv_width = options_.n_kv_head * options_.d_head;
  if (options_.projection == Projection::kSeparate) {
    q_proj_ = linear("q_proj", options_.d_model, width, options_.qkv_bias);
    k_proj_ = linear("k_proj", options_.d_model, kv_width, options_.qkv_bias);
    v_proj_ = linear("v_proj", options_.d_model, kv_width, options_.qkv_bias);
  } else {
    c_attn_ = linear("c_attn", options_.d_model, 3 * width, options_.qkv_bias);
  }
  c_proj_ = linear("c_proj", width, options_.d_model, options_.out_bias);
  if (!options_.head_norm_eps) return;
  const auto norm = [this](const char* name) {
    return register_module(
        name, std::make_shared<Norm>(Norm::Kind::kRms, options_.d_head, *options_.head_norm_eps));
  };
  q_norm_ = norm("q_norm");
  k_norm_ = norm("k_norm");
}

void Attention::reset_parameters(Depth depth) {
  for (const auto& linear : {c_attn_, q_proj_, k_proj_, v_proj_}) {
    if (linear) linear->reset_normal(kTransformerStd);
  }
  c_proj_->reset_normal(residual_std(depth));
  for (const auto& norm : {q_norm_, k_norm_}) {
    if (norm) norm->reset_parameters();
  }
}

Attention::Heads Attention::heads(const at::Tensor& x_BTM) const {
  Heads heads = projected(x_BTM);
  if (q_norm_) heads.q = q_norm_->forward(heads.q);
  if (k_norm_) heads.k = k_norm_->forward(heads.k);
  return heads;
}

Attention::Heads Attention::projected(const at::Tensor& x_BTM) const {
  if (options_.projection == Projection::kSeparate) {
    const auto split = [&](const std::shared_ptr<Linear>& linear) {
      return linear->forward(x_BTM).unflatten(-1, {-1, options_.d_head}).transpose(1, 2);
    };
    return {split(q_proj_), split(k_proj_), split(v_proj_)};
  }
  const bool by_head = options_.projection == Projection::kPartsByHead;
  const int64_t n_head = options_.n_head;
  const at::Tensor qkv =
      by_head ? c_attn_->forward(x_BTM).unflatten(-1, {n_head, 3, -1}).permute({3, 0, 2, 1, 4})
              : c_attn_->forward(x_BTM).unflatten(-1, {3, n_head, -1}).permute({2, 0, 3, 1, 4});
  return {qkv.select(0, 0), qkv.select(0, 1), qkv.select(0, 2)};
}

at::Tensor Attention::attend(const Heads& heads, const std::optional<at::Tensor>& mask,
                             bool causal) const {
  const at::Tensor y = at::scaled_dot_product_attention(
      heads.q, heads.k, heads.v, mask, /*dropout_p=*/0.0, causal, options_.scale,
      /*enable_gqa=*/options_.n_kv_head != options_.n_head);
  return c_proj_->forward(y.transpose(1, 2).flatten(2));
}

at::Tensor Attention::forward(const at::Tensor& x_BTM, Slots slots) {
  Heads parts = heads(x_BTM);
  const int64_t length = x_BTM.size(1);
  const int64_t seen = slots.empty() ? 0 : slots[0].size(2);
  if (options_.rotary) {
    const Rotary::Angles angles = options_.rotary->angles(seen, length, parts.q);
    parts.q = options_.rotary->turn(parts.q, angles);
    parts.k = options_.rotary->turn(parts.k, angles);
  }
  if (!slots.empty()) {
    slots[0] = parts.k = at::cat({slots[0], parts.k}, 2);
    slots[1] = parts.v = at::cat({slots[1], parts.v}, 2);
  }
  const bool windowed = options_.window > 0 && seen + length > options_.window;
  std::optional<at::Tensor> mask;
  if (windowed || (seen > 0 && length > 1)) {
    mask = at::ones({length, seen + length}, parts.q.options().dtype(at::kBool)).tril(seen);
    if (windowed) mask = mask->triu(seen - options_.window + 1);
  }
  return attend(parts, mask, /*causal=*/!mask && seen == 0);
}

std::vector<at::Tensor> Attention::initial_state(int64_t batch) const {
  const at::Tensor none =
      at::zeros({batch, options_.n_kv_head, 0, options_.d_head}, c_proj_->weight.options());
  return {none, none.clone()};
}

std::pair<at::Tensor, at::Tensor> Attention::branch(const at::Tensor& context_BTM,
                                                    const at::Tensor& queries_BQM,
                                                    const std::vector<int64_t>& lengths) {
  const int64_t n_context = context_BTM.size(1);
  const int64_t n_queries = queries_BQM.size(1);
  Heads parts = heads(at::cat({context_BTM, queries_BQM}, 1));
  if (options_.rotary) {
    std::vector<int64_t> where;
    for (int64_t i = 0; i < n_context; ++i) where.push_back(i);
    where.insert(where.end(), lengths.begin(), lengths.end());
    const Rotary::Angles angles = options_.rotary->angles(where, parts.q);
    parts.q = options_.rotary->turn(parts.q, angles);
    parts.k = options_.rotary->turn(parts.k, angles);
  }
  const auto device = parts.q.device();
  const at::Tensor positions = at::arange(n_context, at::kLong).to(device);
  const at::Tensor ends = at::tensor(lengths, at::kLong).to(device);
  // Row: who looks; column: at what. A query sees its part of the context and itself.
  const int64_t window = options_.window > 0 ? options_.window : n_context + 1;
  const auto sees = [&](const at::Tensor& from) {  // positions before `from`, within the window
    return (positions.unsqueeze(0) < from.unsqueeze(1)) &
           (positions.unsqueeze(0) > from.unsqueeze(1) - window);
  };
  const auto flags = positions.options().dtype(at::kBool);
  const at::Tensor context_rows = at::cat(
      {sees(positions) | at::eye(n_context, flags), at::zeros({n_context, n_queries}, flags)}, 1);
  const at::Tensor query_rows = at::cat({sees(ends), at::eye(n_queries, flags)}, 1);
  const at::Tensor y = attend(parts, at::cat({context_rows, query_rows}, 0), /*causal=*/false);
  return {y.narrow(1, 0, n_context), y.narrow(1, n_context, n_queries)};
}

void check_heads(int64_t n_head, const ModelSize& size, Problems& problems) {
  if (size.d_model % n_head == 0) return;
  problems.add("n_head", str(n_head, " does not divide model.d_model (", size.d_model, ")"));
}

}  // namespace icl
