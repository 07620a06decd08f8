// SPDX-License-Identifier: Apache-2.0
#include "icl/solvers/ridge_path.h"

#include <ATen/ATen.h>

#include "icl/solvers/spectrum.h"

namespace icl {

SecondMoments::SecondMoments(int64_t features, int64_t targets)
    : gram(at::zeros({features + 1, features + 1}, at::kDouble)),
      cross(at::zeros({features + 1, targets}, at::kDouble)),
      squares(at::zeros({targets}, at::kDouble)) {}

void SecondMoments::add(const at::Tensor& features_BF, const at::Tensor& targets_BS) {
  const at::Tensor z = at::constant_pad_nd(features_BF, {0, 1}, 1);
  gram.addmm_(z.t(), z);
  cross.addmm_(z.t(), targets_BS);
  squares += targets_BS.square().sum(0);
  count += static_cast<double>(z.size(0));
}

RidgePath::RidgePath(const SecondMoments& train, const at::Tensor& columns) {
  const int64_t constant = train.gram.size(0) - 1;
  rows_ = at::cat({columns, at::full({1}, constant, at::kLong)});
  mean_ = train.gram.select(1, constant).index_select(0, columns) / train.count;
  target_mean_ = train.cross[constant] / train.count;
  const at::Tensor second =
      train.gram.index_select(0, columns).index_select(1, columns) / train.count;
  const at::Tensor covariance = second - at::outer(mean_, mean_);
  // A feature that does not vary beyond rounding takes no part.
  const at::Tensor variance = covariance.diagonal();
  const at::Tensor varies = variance > 1e-13 * second.diagonal();
  inverse_std_ = at::where(varies, variance.clamp_min(1e-300).rsqrt(), at::zeros_like(variance));
  const at::Tensor correlation = covariance * at::outer(inverse_std_, inverse_std_);
  const SymmetricEigen eigen = symmetric_eigen(correlation);
  values_ = eigen.values.clamp_min(0);
  vectors_ = eigen.vectors;
  const at::Tensor cross = train.cross.index_select(0, columns) / train.count;
  projected_ = at::matmul(vectors_.t(),
                          (cross - at::outer(mean_, target_mean_)) * inverse_std_.unsqueeze(1));
}

at::Tensor RidgePath::weights(double penalty) const {
  const at::Tensor slopes = at::matmul(vectors_, projected_ / (values_ + penalty).unsqueeze(1)) *
                            inverse_std_.unsqueeze(1);
  const at::Tensor intercept = target_mean_ - at::matmul(mean_, slopes);
  return at::cat({slopes, intercept.unsqueeze(0)});
}

at::Tensor RidgePath::error(const at::Tensor& weights, const SecondMoments& other) const {
  const at::Tensor gram = other.gram.index_select(0, rows_).index_select(1, rows_);
  const at::Tensor cross = other.cross.index_select(0, rows_);
  return other.squares - 2 * (weights * cross).sum(0) +
         (weights * at::matmul(gram, weights)).sum(0);
}

}  // namespace icl
