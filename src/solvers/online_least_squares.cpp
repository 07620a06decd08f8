// SPDX-License-Identifier: Apache-2.0
#include "icl/solvers/online_least_squares.h"

#include <algorithm>
#include <cmath>

#include "src/solvers/dot.h"

namespace icl {

OnlineLeastSquares::OnlineLeastSquares(int64_t n_dims, double penalty)
    : n_dims_(n_dims),
      basis_(n_dims * n_dims),
      triangle_(n_dims * n_dims),
      target_(n_dims),
      remainder_(n_dims),
      row_(n_dims),
      coefficients_(n_dims),
      weights_(n_dims) {
  if (penalty <= 0) return;
  // A penalty is D more points sqrt(penalty) e_j with target 0.
  rank_ = n_dims;
  for (int64_t j = 0; j < n_dims; ++j) {
    basis_[j * n_dims + j] = 1;
    triangle_[j * n_dims + j] = std::sqrt(penalty);
  }
}

void OnlineLeastSquares::add(const double* x, double y) {
  std::copy(x, x + n_dims_, remainder_.begin());
  std::fill(row_.begin(), row_.end(), 0.0);
  // The second pass removes what rounding left of the first.
  for (int pass = 0; pass < 2; ++pass) {
    for (int64_t k = 0; k < rank_; ++k) {
      const double* direction = basis_.data() + k * n_dims_;
      const double part = dot(direction, remainder_.data(), n_dims_);
      row_[k] += part;
      for (int64_t j = 0; j < n_dims_; ++j) remainder_[j] -= part * direction[j];
    }
  }
  longest_row_ = std::max(longest_row_, std::sqrt(dot(x, x, n_dims_)));
  const double outside = std::sqrt(dot(remainder_.data(), remainder_.data(), n_dims_));
  if (rank_ < n_dims_ && outside > kDependent * longest_row_) {
    for (int64_t j = 0; j < n_dims_; ++j) basis_[rank_ * n_dims_ + j] = remainder_[j] / outside;
    row_[rank_] = outside;
    ++rank_;
  }
  rotate_in(row_, y);
}

void OnlineLeastSquares::rotate_in(std::vector<double>& row, double y) {
  for (int64_t k = 0; k < rank_; ++k) {
    if (row[k] == 0) continue;
    double* upper = triangle_.data() + k * n_dims_;
    const double length = std::hypot(upper[k], row[k]);
    const double c = upper[k] / length;
    const double s = row[k] / length;
    for (int64_t j = k; j < rank_; ++j) {
      const double kept = c * upper[j] + s * row[j];
      row[j] = c * row[j] - s * upper[j];
      upper[j] = kept;
    }
    const double kept = c * target_[k] + s * y;
    y = c * y - s * target_[k];
    target_[k] = kept;
  }
}

const std::vector<double>& OnlineLeastSquares::solve() {
  std::fill(weights_.begin(), weights_.end(), 0.0);
  for (int64_t k = rank_ - 1; k >= 0; --k) {
    const double* upper = triangle_.data() + k * n_dims_;
    double value = target_[k];
    for (int64_t j = k + 1; j < rank_; ++j) value -= upper[j] * coefficients_[j];
    coefficients_[k] = value / upper[k];
    for (int64_t j = 0; j < n_dims_; ++j) {
      weights_[j] += coefficients_[k] * basis_[k * n_dims_ + j];
    }
  }
  return weights_;
}

}  // namespace icl
