// SPDX-License-Identifier: Apache-2.0
#include "icl/solvers/online_lasso.h"

#include <algorithm>
#include <cmath>

#include "icl/solvers/lasso_path.h"
#include "src/solvers/dot.h"

namespace icl {
namespace {

// Stops at a duality gap of this share of |y|^2 / 2 (scikit-learn's default: 1e-4 of |y|^2).
constexpr double kGap = 1e-14;
constexpr int64_t kMaxSweeps = int64_t{1} << 17;
// Sweeps after which the whole path is cheaper. It ends at the minimum up to the rounding of its
// equations, which badly conditioned points raise to about the gap that sweeps stop at.
constexpr int64_t kPatience = 64;
constexpr double kPathGap = 1e-12;

}  // namespace

OnlineLasso::OnlineLasso(int64_t n_dims)
    : n_dims_(n_dims), gram_(n_dims * n_dims), moment_(n_dims), weights_(n_dims), slack_(n_dims) {}

void OnlineLasso::add(const double* x, double y) {
  for (int64_t j = 0; j < n_dims_; ++j) {
    for (int64_t k = 0; k < n_dims_; ++k) gram_[j * n_dims_ + k] += x[j] * x[k];
    moment_[j] += x[j] * y;
  }
  energy_ += y * y;
}

const std::vector<double>& OnlineLasso::solve(double penalty) {
  penalty_ = penalty;
  refresh_slack();
  int64_t next_polish = 4;
  for (int64_t sweep = 1; sweep <= kMaxSweeps; ++sweep) {
    descend();
    if (sweep != next_polish) continue;
    next_polish *= 2;
    refresh_slack();  // drops the rounding of the updates
    if (polish() || converged(kGap)) break;
    if (sweep == kPatience && finish_exactly()) break;
  }
  return weights_;
}

// slack = X^T (y - Xw)
void OnlineLasso::refresh_slack() {
  for (int64_t j = 0; j < n_dims_; ++j) {
    slack_[j] = moment_[j] - dot(gram_.data() + j * n_dims_, weights_.data(), n_dims_);
  }
}

// One pass of exact minimisation along each coordinate.
void OnlineLasso::descend() {
  for (int64_t j = 0; j < n_dims_; ++j) {
    const double* column = gram_.data() + j * n_dims_;
    if (column[j] == 0) continue;
    const double pull = slack_[j] + column[j] * weights_[j];
    const double size = std::max(std::abs(pull) - penalty_, 0.0) / column[j];
    const double change = std::copysign(size, pull) - weights_[j];
    if (change == 0) continue;
    weights_[j] += change;
    for (int64_t k = 0; k < n_dims_; ++k) slack_[k] -= change * column[k];
  }
}

// Compares with the dual value at the residual, scaled to be feasible.
bool OnlineLasso::converged(double allowed) const {
  double largest = 0;
  double norm = 0;
  for (int64_t j = 0; j < n_dims_; ++j) {
    largest = std::max(largest, std::abs(slack_[j]));
    norm += std::abs(weights_[j]);
  }
  const double fitted = dot(moment_.data(), weights_.data(), n_dims_);
  const double residual_y = energy_ - fitted;
  const double residual = residual_y - dot(slack_.data(), weights_.data(), n_dims_);
  const double scale = largest > penalty_ ? penalty_ / largest : 1;
  const double gap = residual * (1 + scale * scale) / 2 + penalty_ * norm - scale * residual_y;
  return gap <= allowed * energy_ / 2;
}

// Fewer points than dimensions and a small penalty: descent takes ten thousands of sweeps.
bool OnlineLasso::finish_exactly() {
  const std::vector<double> before = weights_;
  if (follow_lasso_path(gram_, moment_, penalty_, weights_)) {
    refresh_slack();
    if (converged(kPathGap)) return true;
    weights_ = before;
    refresh_slack();
  }
  return false;
}

// Where descent crawls (fewer points than dimensions, small penalty), the signs settle long before
// the values. Solves for the values with these signs; keeps them only if the gap says they are the
// answer.
bool OnlineLasso::polish() {
  std::vector<int64_t> support;
  for (int64_t j = 0; j < n_dims_; ++j) {
    if (weights_[j] != 0) support.push_back(j);
  }
  const auto size = static_cast<int64_t>(support.size());
  std::vector<double> factor(size * size);
  std::vector<double> solution(size);
  for (int64_t a = 0; a < size; ++a) {
    for (int64_t b = 0; b <= a; ++b) {
      double value = gram_[support[a] * n_dims_ + support[b]];
      for (int64_t c = 0; c < b; ++c) value -= factor[a * size + c] * factor[b * size + c];
      if (a == b && value <= 1e-12 * gram_[support[a] * (n_dims_ + 1)]) return false;
      factor[a * size + b] = a == b ? std::sqrt(value) : value / factor[b * size + b];
    }
    double value = moment_[support[a]] - std::copysign(penalty_, weights_[support[a]]);
    for (int64_t c = 0; c < a; ++c) value -= factor[a * size + c] * solution[c];
    solution[a] = value / factor[a * size + a];
  }
  for (int64_t a = size - 1; a >= 0; --a) {
    for (int64_t c = a + 1; c < size; ++c) solution[a] -= factor[c * size + a] * solution[c];
    solution[a] /= factor[a * size + a];
  }
  const std::vector<double> before = weights_;
  for (int64_t a = 0; a < size; ++a) {
    if (std::signbit(solution[a]) != std::signbit(before[support[a]])) return false;
  }
  for (int64_t a = 0; a < size; ++a) weights_[support[a]] = solution[a];
  refresh_slack();
  if (converged(kGap)) return true;
  weights_ = before;
  refresh_slack();
  return false;
}

}  // namespace icl
