// SPDX-License-Identifier: Apache-2.0
#include "icl/models/mamba.h"

#include <ATen/ATen.h>

#include <cmath>

#include "icl/ops/causal_conv1d.h"
#include "icl/ops/selective_scan.h"

namespace icl {
namespace {

// Bounds of the initial step sizes, and their floor.
constexpr double kDtMin = 1e-3;
constexpr double kDtMax = 1e-1;
constexpr double kDtFloor = 1e-4;

// Context and queries as one sequence, each query where it branches off.
struct Interleaving {
  at::Tensor places;            // of the sequence, into the context followed by the queries
  at::Tensor context, queries;  // where they are in the sequence
  at::Tensor is_query;          // bool, of the sequence
};

Interleaving interleave(int64_t n_context, const std::vector<int64_t>& lengths) {
  std::vector<int64_t> order, context, queries;
  const auto place = [&](int64_t token, std::vector<int64_t>& places) {
    places.push_back(static_cast<int64_t>(order.size()));
    order.push_back(token);
  };
  int64_t seen = 0;
  for (size_t i = 0; i < lengths.size(); ++i) {
    while (seen < lengths[i]) place(seen++, context);
    place(n_context + static_cast<int64_t>(i), queries);
  }
  while (seen < n_context) place(seen++, context);
  const at::Tensor from = at::tensor(order, at::kLong);
  return {from, at::tensor(context, at::kLong), at::tensor(queries, at::kLong), from >= n_context};
}

}  // namespace

MambaMixer::MambaMixer(const MambaOptions& options)
    : options_(options),
      d_inner_(options.d_inner > 0 ? options.d_inner : options.expand * options.d_model),
      dt_rank_(options.dt_rank > 0 ? options.dt_rank : (options.d_model + 15) / 16) {
  const auto linear = [this](const char* name, int64_t in, int64_t out, bool bias) {
    return register_module(name, std::make_shared<Linear>(in, out, bias));
  };
  in_proj_ = linear("in_proj", options.d_model, 2 * d_inner_, options.bias);
  auto conv = register_module("conv1d", std::make_shared<torch::nn::Module>());
  conv_weight_ = conv->register_parameter("weight", at::empty({d_inner_, options.d_conv}));
  if (options.conv_bias) conv_bias_ = conv->register_parameter("bias", at::empty({d_inner_}));
  x_proj_ = linear("x_proj", d_inner_, dt_rank_ + 2 * options.d_state, false);
  dt_proj_ = linear("dt_proj", dt_rank_, d_inner_, true);
  a_log_ = register_parameter("A_log", at::empty({d_inner_, options.d_state}));
  d_ = register_parameter("D", at::empty({d_inner_}));
  out_proj_ = linear("out_proj", d_inner_, options.d_model, options.bias);
}

void MambaMixer::reset_parameters(Depth depth) {
  const at::NoGradGuard no_grad;
  in_proj_->reset_parameters();
  const double conv_bound = 1.0 / std::sqrt(static_cast<double>(options_.d_conv));
  conv_weight_.uniform_(-conv_bound, conv_bound);
  if (conv_bias_.defined()) conv_bias_.uniform_(-conv_bound, conv_bound);
  x_proj_->reset_parameters();

  dt_proj_->reset_parameters();
  const at::Tensor dt = at::exp(at::rand({d_inner_}, dt_proj_->bias.options()) *
                                    (std::log(kDtMax) - std::log(kDtMin)) +
                                std::log(kDtMin))
                            .clamp_min(kDtFloor);
  dt_proj_->bias.copy_(dt + at::log(-at::expm1(-dt)));  // the inverse of softplus

  a_log_.copy_(at::log(at::arange(1, options_.d_state + 1, a_log_.options())).expand_as(a_log_));
  d_.fill_(1.0);
  out_proj_->reset_parameters();
  out_proj_->weight.div_(std::sqrt(static_cast<double>(depth.count)));
}

at::Tensor MambaMixer::forward(const at::Tensor& u_BTM, Slots slots) {
  const auto xz = in_proj_->forward(u_BTM).chunk(2, -1);
  const at::Tensor& x_in = xz[0];  // [B, T, I]
  const at::Tensor& z = xz[1];     // [B, T, I]

  std::optional<at::Tensor> window, h;
  if (!slots.empty()) {
    if (options_.d_conv > 1) window = slots[0];
    h = slots[1];
  }
  const at::Tensor x = causal_conv1d(x_in, conv_weight_, conv_bias(), /*silu=*/true, window);
  const auto [dt, B, C] = selection(x);
  auto [y, last_h] = selective_scan(x, dt, -at::exp(a_log_), B, C, d_, z, dt_proj_->bias,
                                    /*delta_softplus=*/true, h);
  if (!slots.empty()) {
    const int64_t keep = options_.d_conv - 1;
    const at::Tensor inputs = at::cat({slots[0], x_in}, 1);
    slots[0] = inputs.narrow(1, inputs.size(1) - keep, keep).contiguous();
    slots[1] = last_h;
  }
  return out_proj_->forward(y);
}

std::pair<at::Tensor, at::Tensor> MambaMixer::branch(const at::Tensor& context_BTM,
                                                     const at::Tensor& queries_BQM,
                                                     const std::vector<int64_t>& lengths) {
  if (!context_BTM.is_cpu() || at::GradMode::is_enabled()) {
    return Mixer::branch(context_BTM, queries_BQM, lengths);
  }
  const int64_t batch = context_BTM.size(0), n_queries = queries_BQM.size(1);
  const Interleaving order = interleave(context_BTM.size(1), lengths);
  const auto xz =
      in_proj_->forward(at::cat({context_BTM, queries_BQM}, 1).index_select(1, order.places))
          .chunk(2, -1);

  // A query's convolution reads the last W - 1 inputs of its part of the context, and its own.
  const int64_t window = options_.d_conv - 1;
  const at::Tensor context_in = xz[0].index_select(1, order.context);
  const at::Tensor query_in = xz[0].index_select(1, order.queries);
  const at::Tensor rows = at::tensor(lengths, at::kLong).unsqueeze(1) + at::arange(window);
  const at::Tensor before = at::constant_pad_nd(context_in, {0, 0, window, 0})
                                .index_select(1, rows.flatten())
                                .view({batch * n_queries, window, d_inner_});
  const at::Tensor context_x = causal_conv1d(context_in, conv_weight_, conv_bias(), /*silu=*/true);
  const at::Tensor query_x = causal_conv1d(query_in.reshape({batch * n_queries, 1, d_inner_}),
                                           conv_weight_, conv_bias(), /*silu=*/true, before);
  const at::Tensor x = at::cat({context_x, query_x.view({batch, n_queries, d_inner_})}, 1)
                           .index_select(1, order.places);

  const auto [dt, B, C] = selection(x);
  const at::Tensor y =
      out_proj_->forward(selective_scan_queries(order.is_query, x, dt, -at::exp(a_log_), B, C, d_,
                                                xz[1], dt_proj_->bias, /*delta_softplus=*/true));
  return {y.index_select(1, order.context), y.index_select(1, order.queries)};
}

std::optional<at::Tensor> MambaMixer::conv_bias() const {
  return conv_bias_.defined() ? std::optional<at::Tensor>(conv_bias_) : std::nullopt;
}

std::array<at::Tensor, 3> MambaMixer::selection(const at::Tensor& x_BTI) const {
  auto parts = x_proj_->forward(x_BTI).split_with_sizes(
      {dt_rank_, options_.d_state, options_.d_state}, /*dim=*/-1);
  if (options_.selection_norm_eps) {
    for (at::Tensor& part : parts) {
      part = at::rms_norm(part, {part.size(-1)}, std::nullopt, *options_.selection_norm_eps);
    }
  }
  return {at::linear(parts[0], dt_proj_->weight), parts[1], parts[2]};
}

std::vector<at::Tensor> MambaMixer::initial_state(int64_t batch) const {
  return {at::zeros({batch, options_.d_conv - 1, d_inner_}, conv_weight_.options()),
          at::zeros({batch, d_inner_, options_.d_state}, a_log_.options())};
}

std::shared_ptr<Block> make_mamba_block(const MambaOptions& options) {
  auto block = std::make_shared<Block>();
  block->add("norm", std::make_shared<Norm>(Norm::Kind::kRms, options.d_model, options.norm_eps),
             "mixer", std::make_shared<MambaMixer>(options));
  return block;
}

void MambaFamily::describe(Fields& f) {
  f.integer("d_state", d_state, between(1, 256), "states N of each channel");
  f.integer("d_conv", d_conv, between(1, 16), "width of the causal convolution");
  f.integer("expand", expand, between(1, 16), "inner width I is expand * d_model");
  f.integer("dt_rank", dt_rank, at_least(0), "rank of the step-size projection; 0: d_model / 16");
}

MambaOptions MambaFamily::options(int64_t d_model) const {
  return {.d_model = d_model,
          .d_state = d_state,
          .d_conv = d_conv,
          .expand = expand,
          .dt_rank = dt_rank};
}

std::shared_ptr<Backbone> MambaFamily::make(const ModelSize& size) const {
  return make_stack(size, {.norm = std::make_shared<Norm>(Norm::Kind::kRms, size.d_model)},
                    [&](int64_t) { return make_mamba_block(options(size.d_model)); });
}

}  // namespace icl
