// SPDX-License-Identifier: Apache-2.0
#include "icl/models/layers.h"

#include <ATen/ATen.h>

#include <cmath>
#include <tuple>

#include "icl/base/error.h"
#include "icl/ops/add_rms_norm.h"

namespace icl {

Linear::Linear(int64_t in, int64_t out, bool with_bias) {
  weight = register_parameter("weight", at::empty({out, in}));
  if (with_bias) bias = register_parameter("bias", at::empty({out}));
}

at::Tensor Linear::forward(const at::Tensor& x) const {
  return at::linear(x, weight, bias.defined() ? std::make_optional(bias) : std::nullopt);
}

void Linear::reset_parameters() {
  const at::NoGradGuard no_grad;
  const double bound = 1.0 / std::sqrt(static_cast<double>(weight.size(1)));
  weight.uniform_(-bound, bound);
  if (bias.defined()) bias.uniform_(-bound, bound);
}

void Linear::reset_normal(double std) {
  const at::NoGradGuard no_grad;
  weight.normal_(0.0, std);
  if (bias.defined()) bias.zero_();
}

at::Tensor Stream::value() const {
  return update.defined() ? residual + update : residual;
}

Norm::Norm(Kind kind, int64_t width, double eps) : kind_(kind), eps_(eps) {
  weight = register_parameter("weight", at::empty({width}));
  if (kind == Kind::kLayer) bias = register_parameter("bias", at::empty({width}));
}

at::Tensor Norm::forward(const at::Tensor& x) const {
  if (kind_ == Kind::kRms) return std::get<0>(add_rms_norm(x, std::nullopt, weight, eps_));
  return at::layer_norm(x, weight.sizes(), weight, bias, eps_);
}

at::Tensor Norm::forward(Stream& stream) const {
  at::Tensor normed;
  if (kind_ == Kind::kRms && stream.update.defined()) {
    std::tie(normed, stream.residual) = add_rms_norm(stream.update, stream.residual, weight, eps_);
  } else {
    stream.residual = stream.value();
    normed = forward(stream.residual);
  }
  stream.update.reset();
  return normed;
}

void Norm::reset_parameters() {
  const at::NoGradGuard no_grad;
  weight.fill_(1.0);
  if (bias.defined()) bias.zero_();
}

Positions::Positions(int64_t n_positions, int64_t width) {
  weight = register_parameter("weight", at::empty({n_positions, width}));
}

at::Tensor Positions::forward(const at::Tensor& x_BTM, int64_t first) const {
  const int64_t length = x_BTM.size(1);
  if (first + length > weight.size(0)) {
    throw UsageError(str("the model has ", weight.size(0), " learned positions, too few for ",
                         first + length,
                         " tokens (a point of a prompt is two tokens): use shorter prompts"));
  }
  return x_BTM + weight.narrow(0, first, length);
}

at::Tensor Positions::forward(const at::Tensor& x_BQM,
                              const std::vector<int64_t>& positions) const {
  for (const int64_t position : positions) {
    if (position >= weight.size(0)) {
      throw UsageError(str("the model has ", weight.size(0),
                           " learned positions, too few for a query after ", position,
                           " tokens (a point of a prompt is two tokens): use shorter prompts"));
    }
  }
  return x_BQM + weight.index_select(0, at::tensor(positions, at::kLong).to(weight.device()));
}

void Positions::reset_parameters() {
  const at::NoGradGuard no_grad;
  weight.normal_(0.0, 0.02);
}

}  // namespace icl
