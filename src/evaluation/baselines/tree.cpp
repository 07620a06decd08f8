// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>

#include "src/evaluation/baselines/learners.h"
#include "src/evaluation/baselines/prompts.h"

namespace icl {
namespace {

// The points of a node: for each dimension their indices in ascending order of that coordinate.
using Node = std::vector<std::vector<int32_t>>;

struct Split {
  int64_t dim = -1;  // none
  double threshold = 0;
};

// Coordinates closer than this are one value, as in scikit-learn.
constexpr double kSameValue = 1e-7;
// Splits whose gains differ by less than this share of the sum of squares are tied.
constexpr double kTie = 1e-12;

// The split with the smallest squared error; ties go to the lowest dimension, then the lowest
// threshold (scikit-learn: to a random dimension). The threshold is midway between two points.
Split best_split(const PromptView& prompt, const Node& node) {
  const auto n = static_cast<int64_t>(node[0].size());
  double total = 0;
  double squares = 0;
  for (const int32_t p : node[0]) {
    total += prompt.ys[p];
    squares += prompt.ys[p] * prompt.ys[p];
  }
  Split best;
  double best_gain = -std::numeric_limits<double>::infinity();
  for (int64_t d = 0; d < prompt.n_dims; ++d) {
    const std::vector<int32_t>& order = node[d];
    double left = 0;
    for (int64_t k = 1; k < n; ++k) {
      left += prompt.ys[order[k - 1]];
      const double below = prompt.x(order[k - 1])[d];
      const double above = prompt.x(order[k])[d];
      if (above <= below + kSameValue) continue;
      const double right = total - left;
      const double gain =
          left * left / static_cast<double>(k) + right * right / static_cast<double>(n - k);
      if (gain > best_gain + kTie * squares) {
        best_gain = gain;
        best = {.dim = d, .threshold = below / 2 + above / 2};
      }
    }
  }
  return best;
}

// Grows only the branch that the query falls into.
double predict_by_path(const PromptView& prompt, Node node, const double* query,
                       int64_t max_depth) {
  for (int64_t depth = 0;; ++depth) {
    double mean = 0;
    for (const int32_t p : node[0]) mean += prompt.ys[p];
    mean /= static_cast<double>(node[0].size());
    double variance = 0;
    for (const int32_t p : node[0]) variance += (prompt.ys[p] - mean) * (prompt.ys[p] - mean);
    variance /= static_cast<double>(node[0].size());
    if (depth == max_depth || variance <= std::numeric_limits<double>::epsilon()) return mean;
    const Split split = best_split(prompt, node);
    if (split.dim < 0) return mean;
    const bool goes_left = query[split.dim] <= split.threshold;
    for (std::vector<int32_t>& order : node) {
      std::erase_if(order, [&](int32_t p) {
        return (prompt.x(p)[split.dim] <= split.threshold) != goes_left;
      });
    }
  }
}

}  // namespace

at::Tensor predict_tree(const BaselineInput& input, const BaselineOptions& options,
                        int64_t max_depth) {
  return for_each_prompt(input, options, [max_depth](const PromptView& prompt, double* out) {
    Node points(prompt.n_dims);
    for (int64_t i = 1; i < prompt.n_points; ++i) {
      for (int64_t d = 0; d < prompt.n_dims; ++d) {
        const double value = prompt.x(i - 1)[d];
        const auto place =
            std::upper_bound(points[d].begin(), points[d].end(), value,
                             [&](double v, int32_t p) { return v < prompt.x(p)[d]; });
        points[d].insert(place, static_cast<int32_t>(i - 1));
      }
      out[i] = predict_by_path(prompt, points, prompt.query(i), max_depth);
      prompt.point_done();
    }
  });
}

}  // namespace icl
