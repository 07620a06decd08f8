// SPDX-License-Identifier: Apache-2.0
#include "icl/models/rwkv4.h"

#include <ATen/ATen.h>
#include <torch/nn/init.h>

#include <cmath>

#include "icl/ops/wkv.h"

namespace icl {
namespace {

// The token before each: x shifted by one, after what `slot` remembers (or zero), which becomes
// the last token of x.
at::Tensor token_before(const at::Tensor& x_BTM, at::Tensor* slot) {
  const at::Tensor first = slot ? *slot : at::zeros_like(x_BTM.narrow(1, 0, 1));
  const int64_t length = x_BTM.size(1);
  if (slot) *slot = x_BTM.narrow(1, length - 1, 1);
  return at::cat({first, x_BTM.narrow(1, 0, length - 1)}, 1);
}

at::Tensor mixed(const at::Tensor& x, const at::Tensor& before, const at::Tensor& mix) {
  return at::lerp(before, x, mix);
}

// 0 in the first block, 1 in the last.
double rising(Depth depth) {
  return depth.count > 1 ? static_cast<double>(depth.index) / static_cast<double>(depth.count - 1)
                         : 0.0;
}

// 1 in the first block, almost 0 in the last.
double falling(Depth depth) {
  return 1.0 - static_cast<double>(depth.index) / static_cast<double>(depth.count);
}

// 0, 1/n, 2/n, ...
at::Tensor channels(const at::Tensor& like) {
  return at::arange(like.numel(), at::kDouble) / static_cast<double>(like.numel());
}

void draw_orthogonal(Linear& linear) {
  const auto rows = static_cast<double>(linear.weight.size(0));
  const auto columns = static_cast<double>(linear.weight.size(1));
  torch::nn::init::orthogonal_(linear.weight, rows > columns ? std::sqrt(rows / columns) : 1.0);
}

}  // namespace

TimeMix::TimeMix(const Rwkv4Options& options) {
  const int64_t width = options.d_model;
  const int64_t inner = options.d_attention > 0 ? options.d_attention : width;
  decay_ = register_parameter("time_decay", at::empty({inner}));
  first_ = register_parameter("time_first", at::empty({inner}));
  mix_k_ = register_parameter("time_mix_k", at::empty({width}));
  mix_v_ = register_parameter("time_mix_v", at::empty({width}));
  mix_r_ = register_parameter("time_mix_r", at::empty({width}));
  const auto linear = [this](const char* name, int64_t in, int64_t out) {
    return register_module(name, std::make_shared<Linear>(in, out, /*with_bias=*/false));
  };
  key_ = linear("key", width, inner);
  value_ = linear("value", width, inner);
  receptance_ = linear("receptance", width, inner);
  output_ = linear("output", inner, width);
}

void TimeMix::reset_parameters(Depth depth) {
  const at::NoGradGuard no_grad;
  const int64_t inner = decay_.numel();
  const double last = static_cast<double>(std::max<int64_t>(1, inner - 1));
  const at::Tensor n = at::arange(inner, at::kDouble);
  decay_.copy_(-5 + 8 * at::pow(n / last, 0.7 + 1.3 * rising(depth)));
  const at::Tensor zigzag = at::remainder(n + 1, 3) - 1;
  first_.copy_(std::log(0.3) + 0.5 * zigzag);
  const at::Tensor mix = at::pow(channels(mix_k_), falling(depth));
  mix_k_.copy_(mix);
  mix_v_.copy_(mix + 0.3 * rising(depth));
  mix_r_.copy_(at::pow(channels(mix_r_), 0.5 * falling(depth)));
  draw_orthogonal(*value_);
  for (auto& linear : {key_, receptance_, output_}) linear->weight.zero_();
}

at::Tensor TimeMix::forward(const at::Tensor& x_BTM, Slots slots) {
  const at::Tensor before = token_before(x_BTM, slots.empty() ? nullptr : &slots[0]);
  const at::Tensor k = key_->forward(mixed(x_BTM, before, mix_k_));
  const at::Tensor v = value_->forward(mixed(x_BTM, before, mix_v_));
  const at::Tensor r = receptance_->forward(mixed(x_BTM, before, mix_r_));
  std::optional<at::Tensor> sums;
  if (!slots.empty()) sums = slots[1];
  const auto [y, last_sums] = wkv(-at::exp(decay_), first_, k, v, sums);
  if (!slots.empty()) slots[1] = last_sums;
  return output_->forward(at::sigmoid(r) * y);
}

std::vector<at::Tensor> TimeMix::initial_state(int64_t batch) const {
  const at::Tensor sums = at::zeros({batch, 3, decay_.numel()}, decay_.options());
  sums.select(1, 2).fill_(kWkvEmptyMaximum);
  return {at::zeros({batch, 1, mix_k_.numel()}, mix_k_.options()), sums};
}

ChannelMix::ChannelMix(const Rwkv4Options& options) {
  const int64_t width = options.d_model;
  const int64_t inner = options.d_ffn > 0 ? options.d_ffn : 4 * width;
  mix_k_ = register_parameter("time_mix_k", at::empty({width}));
  mix_r_ = register_parameter("time_mix_r", at::empty({width}));
  const auto linear = [this](const char* name, int64_t in, int64_t out) {
    return register_module(name, std::make_shared<Linear>(in, out, /*with_bias=*/false));
  };
  key_ = linear("key", width, inner);
  receptance_ = linear("receptance", width, width);
  value_ = linear("value", inner, width);
}

void ChannelMix::reset_parameters(Depth depth) {
  const at::NoGradGuard no_grad;
  const at::Tensor mix = at::pow(channels(mix_k_), falling(depth));
  mix_k_.copy_(mix);
  mix_r_.copy_(mix);
  draw_orthogonal(*key_);
  for (auto& linear : {receptance_, value_}) linear->weight.zero_();
}

at::Tensor ChannelMix::forward(const at::Tensor& x_BTM, Slots slots) {
  const at::Tensor before = token_before(x_BTM, slots.empty() ? nullptr : &slots[0]);
  const at::Tensor k = at::relu(key_->forward(mixed(x_BTM, before, mix_k_)));
  const at::Tensor r = receptance_->forward(mixed(x_BTM, before, mix_r_));
  return at::sigmoid(r) * value_->forward(k * k);
}

std::vector<at::Tensor> ChannelMix::initial_state(int64_t batch) const {
  return {at::zeros({batch, 1, mix_k_.numel()}, mix_k_.options())};
}

std::shared_ptr<Block> make_rwkv4_block(const Rwkv4Options& options) {
  const auto norm = [&] {
    return std::make_shared<Norm>(Norm::Kind::kLayer, options.d_model, options.norm_eps);
  };
  auto block = std::make_shared<Block>();
  block->add("ln1", norm(), "att", std::make_shared<TimeMix>(options));
  block->add("ln2", norm(), "ffn", std::make_shared<ChannelMix>(options));
  return block;
}

void Rwkv4Family::describe(Fields& f) {
  f.integer("d_ffn", d_ffn, at_least(0), "inner width of channel mixing; 0: 4 * d_model");
}

std::shared_ptr<Backbone> Rwkv4Family::make(const ModelSize& size) const {
  const auto norm = [&] { return std::make_shared<Norm>(Norm::Kind::kLayer, size.d_model); };
  return make_stack(size, {.input_norm = norm(), .norm = norm()}, [&](int64_t) {
    return make_rwkv4_block({.d_model = size.d_model, .d_ffn = d_ffn});
  });
}

}  // namespace icl
