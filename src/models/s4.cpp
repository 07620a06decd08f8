// SPDX-License-Identifier: Apache-2.0
#include "icl/models/s4.h"

#include <ATen/ATen.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include "icl/base/error.h"
#include "icl/ops/long_conv.h"

namespace icl {
namespace {

// In mixed precision the matrix products of a state space would run in bfloat16, whose error grows
// with every power of the state matrix: state spaces compute in the type of their parameters.
class FullPrecision {
 public:
  FullPrecision() : no_autocast_(c10::autocast_dispatch_keyset) {}

 private:
  c10::impl::ExcludeDispatchKeyGuard no_autocast_;
};

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
  return finish(slots.empty() ? long_conv(x_BTM, kernel(x_BTM.size(1)), d_)
                              : recur(x_BTM, slots[0]));
}

std::pair<at::Tensor, at::Tensor> S4Mixer::branch(const at::Tensor& context_BTM,
                                                  const at::Tensor& queries_BQM,
                                                  const std::vector<int64_t>& lengths) {
  const int64_t n_context = context_BTM.size(1);
  const at::Tensor k = kernel(n_context + 1);  // [H, T + 1]
  // past[:, n]: what the first n tokens of the context add to the output of the token after them.
  const at::Tensor past = at::constant_pad_nd(long_conv(context_BTM, k.narrow(1, 1, n_context)),
                                              {0, 0, /*before and after in time*/ 1, 0});
  const at::Tensor where = at::tensor(lengths, at::kLong).to(past.device());
  const at::Tensor before = at::cat({past.narrow(1, 0, n_context), past.index_select(1, where)}, 1);
  const at::Tensor own = (k.select(1, 0) + d_) * at::cat({context_BTM, queries_BQM}, 1);
  const at::Tensor y = finish(before + own);
  return {y.narrow(1, 0, n_context), y.narrow(1, n_context, queries_BQM.size(1))};
}

at::Tensor S4Mixer::kernel(int64_t length) const {
  const FullPrecision guard;
  return space_->kernel(length);
}

at::Tensor S4Mixer::recur(const at::Tensor& x_BTM, at::Tensor& state) const {
  const FullPrecision guard;
  const at::Tensor x = x_BTM.to(d_.scalar_type());
  return space_->recur(x, state) + d_ * x;
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

void S4Family::describe(Fields& f) {
  f.integer("d_state", d_state, between(1, 256),
            "states N of each channel, even: N/2 complex pairs (the paper: 64)");
  f.choice("kernel", kernel, {"diagonal", "dplr"},
           "state matrix: diagonal (S4D), or diagonal plus low rank (S4)");
  f.choice("norm", norm, {"post", "pre"}, "LayerNorm after each sum (the paper), or before S4");
  f.number("dropout", dropout, between(0, 0.99),
           "probability of dropping a channel, twice a block (the paper: 0.1)");
  f.when(kernel == "diagonal", "model.kernel is diagonal", [&] {
    f.choice("init", init, {"s4d_inv", "s4d_legs", "s4d_lin"}, "frequencies of the modes at first");
  });
  f.when(kernel == "dplr", "model.kernel is dplr", [&] {
    f.choice("discretization", discretization, {"bilinear", "zoh"},
             "from continuous to discrete time; zoh costs dense matrix exponentials");
  });
}

void S4Family::check(const ModelSize&, Problems& problems) const {
  if (d_state % 2 == 0) return;
  problems.add("d_state",
               str(d_state, ", expected an even number: S4 has pairs of complex states"));
}

std::shared_ptr<Backbone> S4Family::make(const ModelSize& size) const {
  const bool post = norm == "post";
  const S4Options options{.d_model = size.d_model,
                          .d_state = d_state,
                          .kernel = kernel,
                          .init = init,
                          .discretization = discretization,
                          .norm = post ? Block::Placement::kPost : Block::Placement::kPre,
                          .dropout = dropout};
  Backbone::Stages stages;
  // With norms after each sum, the last block ends with one.
  if (!post) stages.norm = std::make_shared<Norm>(Norm::Kind::kLayer, size.d_model);
  return make_stack(size, stages, [&](int64_t) { return make_s4_block(options); });
}

}  // namespace icl
