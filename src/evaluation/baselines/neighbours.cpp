// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>
#include <vector>

#include "src/evaluation/baselines/learners.h"
#include "src/evaluation/baselines/prompts.h"

namespace icl {

// The mean over the min(i, k) nearest points (Euclidean distance); of points equally far away the
// earlier one counts as nearer.
at::Tensor predict_nearest(const BaselineInput& input, const BaselineOptions& options, int64_t k) {
  return for_each_prompt(input, options, [k](const PromptView& prompt, double* out) {
    std::vector<std::pair<double, int64_t>> points;  // squared distance, index
    for (int64_t i = 1; i < prompt.n_points; ++i) {
      points.clear();
      for (int64_t p = 0; p < i; ++p) {
        double distance = 0;
        for (int64_t j = 0; j < prompt.n_dims; ++j) {
          const double difference = prompt.x(p)[j] - prompt.query(i)[j];
          distance += difference * difference;
        }
        points.emplace_back(distance, p);
      }
      const int64_t count = std::min(i, k);
      std::partial_sort(points.begin(), points.begin() + count, points.end());
      double sum = 0;
      for (int64_t p = 0; p < count; ++p) sum += prompt.ys[points[p].second];
      out[i] = sum / static_cast<double>(count);
    }
  });
}

}  // namespace icl
