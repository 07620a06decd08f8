// SPDX-License-Identifier: Apache-2.0
#include "icl/models/s4.h"

#include <ATen/ATen.h>

#include "icl/ops/long_conv.h"

namespace icl {
namespace {

std::shared_ptr<StateSpace> make_state_space(const S4Options& options) {
  if (options.kernel == "dplr") {
    return std::make_shared<DplrStateSpace>(options.d_model, options.d_state,
                                            options.discretization);
  }
  return std::make_shared<DiagonalStateSpace>(options.d_model, options.d_state, options.init);
}

}  // namespace

S4Mixer::S4Mixer(const S4Options& options) : dropout_(options.dropout) {
  space_ = register_module("kernel", make_state_space(options));
  d_ = register_parameter("D", at::empty({options.d_model}));
  out_ = register_module("output_linear",
                         std::make_shared<Linear>(options.d_model, 2 * options.d_model));
}

void S4Mixer::reset_parameters(Depth) {
  const at::NoGradGuard no_grad;
  space_->reset_parameters();
  d_.normal_();
  out_->reset_parameters();
}

at::Tensor S4Mixer::forward(const at::Tensor& x_BTM, Slots slots) {
  const at::Tensor y = slots.empty() ? long_conv(x_BTM, space_->kernel(x_BTM.size(1)), d_)
                                     : space_->recur(x_BTM, slots[0]) + d_ * x_BTM;
  return drop_channels(at::glu(out_->forward(drop_channels(at::gelu(y))), -1));
}

std::vector<at::Tensor> S4Mixer::initial_state(int64_t batch) const {
  return {space_->initial_state(batch)};
}

at::Tensor S4Mixer::drop_channels(const at::Tensor& x_BTM) const {
  if (!is_training() || dropout_ == 0) return x_BTM;
  // Drawn on the CPU, so that the same seed drops the same channels on every device.
  const at::Tensor kept = at::empty({x_BTM.size(0), 1, x_BTM.size(2)}, at::kFloat);
  kept.bernoulli_(1 - dropout_).div_(1 - dropout_);
  return x_BTM * kept.to(x_BTM.options());
}

std::shared_ptr<Block> make_s4_block(const S4Options& options) {
  auto block = std::make_shared<Block>(options.norm);
  block->add("norm", std::make_shared<Norm>(Norm::Kind::kLayer, options.d_model), "mixer",
             std::make_shared<S4Mixer>(options));
  return block;
}

}  // namespace icl
