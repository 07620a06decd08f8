// SPDX-License-Identifier: Apache-2.0
#include "icl/models/regression_model.h"

#include <ATen/ATen.h>

#include "icl/base/error.h"
#include "icl/base/shape.h"

namespace icl {

at::Tensor prompt_tokens(const at::Tensor& xs_BKD, const at::Tensor& ys_BK) {
  check_shape("prompt_tokens", "xs", xs_BKD, {-1, -1, -1});
  const int64_t n_dims = xs_BKD.size(2);
  check_shape("prompt_tokens", "ys", ys_BK, {xs_BKD.size(0), xs_BKD.size(1)});
  const at::Tensor y_tokens = at::constant_pad_nd(ys_BK.unsqueeze(2), {0, n_dims - 1});
  return at::stack({xs_BKD, y_tokens}, 2).flatten(1, 2);
}

RegressionModel::RegressionModel(const ModelConfig& config, int64_t n_dims, Initialization init)
    : RegressionModel(config.family->make(config.size()), n_dims, Initialization::kNone) {
  if (init == Initialization::kNone) return;
  read_in_->reset_parameters();
  backbone_->reset_parameters();
  read_out_->reset_parameters();
  if (config.family->zeroes_outer_biases()) {
    const at::NoGradGuard no_grad;
    read_in_->bias.zero_();
    read_out_->bias.zero_();
  }
}

RegressionModel::RegressionModel(std::shared_ptr<Backbone> backbone, int64_t n_dims,
                                 Initialization init)
    : n_dims_(n_dims) {
  read_in_ = register_module("read_in", std::make_shared<Linear>(n_dims, backbone->d_model()));
  backbone_ = register_module("backbone", std::move(backbone));
  read_out_ = register_module("read_out", std::make_shared<Linear>(backbone_->d_model(), 1));
  if (init == Initialization::kNone) return;
  read_in_->reset_parameters();
  read_out_->reset_parameters();
}

at::Tensor RegressionModel::predict(const at::Tensor& xs_BKD, const at::Tensor& ys_BK,
                                    const Backbone::Tap& tap) {
  const at::Tensor outputs = backbone_->forward(read_in(prompt_tokens(xs_BKD, ys_BK)), tap);
  const int64_t n_points = xs_BKD.size(1);
  return read_out(outputs.unflatten(1, {n_points, 2}).select(2, 0));  // at the x tokens
}

at::Tensor RegressionModel::predict_queries(const at::Tensor& xs_BKD, const at::Tensor& ys_BK,
                                            const at::Tensor& queries_BKD) {
  check_shape("predict_queries", "queries", queries_BKD, xs_BKD.sizes());
  const int64_t n_points = xs_BKD.size(1);
  const at::Tensor tokens = prompt_tokens(xs_BKD, ys_BK);
  std::vector<int64_t> lengths;
  for (int64_t i = 0; i < n_points; ++i) lengths.push_back(2 * i);
  // The last point of the context is before no query.
  const at::Tensor context = tokens.narrow(1, 0, 2 * (n_points - 1));
  return read_out(backbone_->branch(read_in(context), read_in(queries_BKD), lengths));
}

at::Tensor RegressionModel::read_in(const at::Tensor& tokens_BTD) const {
  check_shape("read_in", "tokens", tokens_BTD, {-1, -1, n_dims_});
  // In mixed precision the product is bfloat16, but the residual stream stays what parameters are.
  return read_in_->forward(tokens_BTD).to(read_in_->weight.scalar_type());
}

at::Tensor RegressionModel::read_out(const at::Tensor& normed) const {
  return read_out_->forward(normed).squeeze(-1);
}

int64_t RegressionModel::parameter_count() const {
  int64_t count = 0;
  for (const auto& parameter : parameters()) count += parameter.numel();
  return count;
}

}  // namespace icl
