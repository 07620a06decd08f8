// SPDX-License-Identifier: Apache-2.0
#include "icl/solvers/lasso_path.h"

#include <algorithm>
#include <cmath>

namespace icl {
namespace {

// On a segment of the path the set of non-zero weights and their signs stay, so that the weights
// are start - penalty * slope.
class Path {
 public:
  Path(const std::vector<double>& gram, const std::vector<double>& moment)
      : gram_(gram), moment_(moment), size_(static_cast<int64_t>(moment.size())) {}

  bool follow(double penalty, std::vector<double>& weights) {
    int64_t place = 0;
    for (int64_t j = 1; j < size_; ++j) {
      if (std::abs(moment_[j]) > std::abs(moment_[place])) place = j;
    }
    double at = std::abs(moment_[place]);
    if (at <= penalty) {
      std::fill(weights.begin(), weights.end(), 0.0);
      return true;
    }
    active_ = {place};
    signs_ = {std::copysign(1.0, moment_[place])};
    Event event{.index = place, .joins = true};
    const int64_t most = 8 * size_ + 64;  // general position needs a few for each dimension
    for (int64_t step = 0; step < most; ++step) {
      if (!solve()) return false;
      event = next(at, penalty, event);
      if (event.index < 0) {
        std::fill(weights.begin(), weights.end(), 0.0);
        for (size_t a = 0; a < active_.size(); ++a) {
          weights[active_[a]] = start_[a] - penalty * slope_[a];
        }
        return true;
      }
      at = event.penalty;
      apply(event);
    }
    return false;
  }

 private:
  // Where a segment ends: the next index to join or to leave, or none above the asked penalty.
  struct Event {
    int64_t index = -1;
    bool joins = false;
    double sign = 0;
    double penalty = 0;
  };

  double gram(int64_t j, int64_t k) const { return gram_[j * size_ + k]; }

  // G_AA start = b_A and G_AA slope = signs, by Cholesky.
  bool solve() {
    const auto n = static_cast<int64_t>(active_.size());
    std::vector<double> factor(n * n);
    start_.assign(n, 0);
    slope_.assign(n, 0);
    for (int64_t a = 0; a < n; ++a) {
      for (int64_t b = 0; b <= a; ++b) {
        double value = gram(active_[a], active_[b]);
        for (int64_t c = 0; c < b; ++c) value -= factor[a * n + c] * factor[b * n + c];
        if (a == b && value <= 1e-13 * gram(active_[a], active_[a])) return false;
        factor[a * n + b] = a == b ? std::sqrt(value) : value / factor[b * n + b];
      }
      start_[a] = moment_[active_[a]];
      slope_[a] = signs_[a];
      for (std::vector<double>* x : {&start_, &slope_}) {
        for (int64_t c = 0; c < a; ++c) (*x)[a] -= factor[a * n + c] * (*x)[c];
        (*x)[a] /= factor[a * n + a];
      }
    }
    for (std::vector<double>* x : {&start_, &slope_}) {
      for (int64_t a = n - 1; a >= 0; --a) {
        for (int64_t c = a + 1; c < n; ++c) (*x)[a] -= factor[c * n + a] * (*x)[c];
        (*x)[a] /= factor[a * n + a];
      }
    }
    return true;
  }

  // The event before does not happen again at once: at its penalty the weight is zero, and its
  // correlation at the bound, by construction.
  Event next(double at, double penalty, const Event& before) const {
    Event first{.penalty = penalty};
    const auto consider = [&](double candidate, const Event& event) {
      if (candidate > first.penalty && candidate <= at) {
        first = event;
        first.penalty = candidate;
      }
    };
    for (size_t a = 0; a < active_.size(); ++a) {
      if (before.joins && before.index == active_[a]) continue;
      if (slope_[a] != 0) consider(start_[a] / slope_[a], {.index = active_[a]});
    }
    for (int64_t j = 0; j < size_; ++j) {
      if (std::find(active_.begin(), active_.end(), j) != active_.end()) continue;
      // The correlation of column j with the residual: rest + penalty * pull.
      double rest = moment_[j];
      double pull = 0;
      for (size_t a = 0; a < active_.size(); ++a) {
        rest -= gram(j, active_[a]) * start_[a];
        pull += gram(j, active_[a]) * slope_[a];
      }
      for (const double sign : {1.0, -1.0}) {
        if (!before.joins && before.index == j && before.sign == sign) continue;
        if (sign * pull >= 1) continue;
        consider(sign * rest / (1 - sign * pull), {.index = j, .joins = true, .sign = sign});
      }
    }
    return first;
  }

  void apply(Event& event) {
    if (event.joins) {
      active_.push_back(event.index);
      signs_.push_back(event.sign);
      return;
    }
    const auto place = std::find(active_.begin(), active_.end(), event.index) - active_.begin();
    event.sign = signs_[place];
    active_.erase(active_.begin() + place);
    signs_.erase(signs_.begin() + place);
  }

  const std::vector<double>& gram_;
  const std::vector<double>& moment_;
  int64_t size_;
  std::vector<int64_t> active_;
  std::vector<double> signs_, start_, slope_;
};

}  // namespace

bool follow_lasso_path(const std::vector<double>& gram, const std::vector<double>& moment,
                       double penalty, std::vector<double>& weights) {
  return Path(gram, moment).follow(penalty, weights);
}

}  // namespace icl
