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
  return finish(y);
}

std::pair<at::Tensor, at::Tensor> S4Mixer::branch(const at::Tensor& context_BTM,
                                                  const at::Tensor& queries_BQM,
                                                  const std::vector<int64_t>& lengths) {
  const int64_t n_context = context_BTM.size(1);
  const at::Tensor k = space_->kernel(n_context + 1);  // [H, T + 1]
  // past[:, n]: what the first n tokens of the context add to the output of the token after them.
  const at::Tensor past = at::constant_pad_nd(long_conv(context_BTM, k.narrow(1, 1, n_context)),
                                              {0, 0, /*before and after in time*/ 1, 0});
  const at::Tensor where = at::tensor(lengths, at::kLong).to(past.device());
  const at::Tensor before = at::cat({past.narrow(1, 0, n_context), past.index_select(1, where)}, 1);
  const at::Tensor own = (k.select(1, 0) + d_) * at::cat({context_BTM, queries_BQM}, 1);
  const at::Tensor y = finish(before + own);
  return {y.narrow(1, 0, n_context), y.narrow(1, n_context, queries_BQM.size(1))};
}

at::Tensor S4Mixer::finish(const at::Tensor& y_BTM) const {
  return drop_channels(at::glu(out_->forward(drop_channels(at::gelu(y_BTM))), -1));
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
