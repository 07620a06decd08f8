// SPDX-License-Identifier: Apache-2.0
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>

#include "icl/base/random.h"
#include "icl/evaluation/evaluate.h"

namespace icl {
namespace {

constexpr int64_t kResamples = 1000;
// Indices into the sorted means, as published (Garg et al. 2022): a 90% interval.
constexpr int64_t kLow = kResamples * 5 / 100;
constexpr int64_t kHigh = kResamples * 95 / 100;

// [resamples, K]: each row the mean over P prompts drawn with replacement.
at::Tensor resampled_means(const at::Tensor& errors_PK, uint64_t seed) {
  const int64_t n_prompts = errors_PK.size(0);
  const int64_t n_points = errors_PK.size(1);
  const at::Tensor chosen =
      RandomStream(seed, "bootstrap").integers({kResamples, n_prompts}, n_prompts);
  const int64_t* prompt = chosen.const_data_ptr<int64_t>();
  const double* errors = errors_PK.const_data_ptr<double>();
  at::Tensor means = at::empty({kResamples, n_points}, at::kDouble);
  double* out = means.data_ptr<double>();
  at::parallel_for(0, kResamples, /*grain_size=*/16, [&](int64_t begin, int64_t end) {
    std::vector<int32_t> count(n_prompts);
    std::vector<double> sum(n_points);
    for (int64_t r = begin; r < end; ++r) {
      std::fill(count.begin(), count.end(), 0);
      std::fill(sum.begin(), sum.end(), 0.0);
      for (int64_t p = 0; p < n_prompts; ++p) ++count[prompt[r * n_prompts + p]];
      for (int64_t p = 0; p < n_prompts; ++p) {
        if (count[p] == 0) continue;
        const double* row = errors + p * n_points;
        for (int64_t k = 0; k < n_points; ++k) sum[k] += count[p] * row[k];
      }
      for (int64_t k = 0; k < n_points; ++k) {
        out[r * n_points + k] = sum[k] / static_cast<double>(n_prompts);
      }
    }
  });
  return means;
}

std::vector<double> to_vector(const at::Tensor& values) {
  const at::Tensor whole = values.contiguous();
  const double* begin = whole.const_data_ptr<double>();
  return {begin, begin + whole.numel()};
}

}  // namespace

Curve summarise(const at::Tensor& errors_PK, uint64_t seed) {
  const at::Tensor errors = errors_PK.contiguous();
  const at::Tensor sorted = std::get<0>(resampled_means(errors, seed).sort(0));
  Curve curve;
  curve.mean = to_vector(errors.mean(0));
  curve.std =
      errors.size(0) > 1 ? to_vector(errors.std(0)) : std::vector<double>(curve.mean.size(), 0.0);
  curve.low = to_vector(sorted[kLow]);
  curve.high = to_vector(sorted[kHigh]);
  return curve;
}

}  // namespace icl
