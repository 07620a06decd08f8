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

}  // namespace

MambaMixer::MambaMixer(const MambaOptions& options)
    : options_(options),
      d_inner_(options.expand * options.d_model),
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
  std::optional<at::Tensor> conv_bias;
  if (conv_bias_.defined()) conv_bias = conv_bias_;
  const at::Tensor x = causal_conv1d(x_in, conv_weight_, conv_bias, /*silu=*/true, window);
  const auto parts = x_proj_->forward(x).split_with_sizes(
      {dt_rank_, options_.d_state, options_.d_state}, /*dim=*/-1);
  const at::Tensor dt = at::linear(parts[0], dt_proj_->weight);  // [B, T, I], before bias, softplus
  auto [y, last_h] = selective_scan(x, dt, -at::exp(a_log_), parts[1], parts[2], d_, z,
                                    dt_proj_->bias, /*delta_softplus=*/true, h);
  if (!slots.empty()) {
    const int64_t keep = options_.d_conv - 1;
    const at::Tensor inputs = at::cat({slots[0], x_in}, 1);
    slots[0] = inputs.narrow(1, inputs.size(1) - keep, keep).contiguous();
    slots[1] = last_h;
  }
  return out_proj_->forward(y);
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

}  // namespace icl
