// SPDX-License-Identifier: Apache-2.0
#include "icl/base/bootstrap.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>

namespace icl {

Bootstrap::Bootstrap(int64_t resamples, int64_t n, const RandomStream& stream)
    : counts_RN_(at::zeros({resamples, n}, at::kDouble)) {
  const at::Tensor drawn = stream.integers({resamples, n}, n);
  counts_RN_.scatter_add_(1, drawn, at::ones({resamples, n}, at::kDouble));
}

at::Tensor Bootstrap::means(const at::Tensor& values_NK) const {
  const at::Tensor values = values_NK.contiguous();
  const int64_t resamples = counts_RN_.size(0);
  const int64_t n = counts_RN_.size(1);
  const int64_t columns = values.size(1);
  at::Tensor result = at::zeros({resamples, columns}, at::kDouble);
  const double* counts = counts_RN_.const_data_ptr<double>();
  const double* rows = values.const_data_ptr<double>();
  double* out = result.data_ptr<double>();
  // Not a matrix product: its order of summation may depend on the number of threads.
  at::parallel_for(0, resamples, /*grain_size=*/16, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      double* sum = out + r * columns;
      for (int64_t i = 0; i < n; ++i) {
        const double count = counts[r * n + i];
        if (count == 0) continue;
        for (int64_t k = 0; k < columns; ++k) sum[k] += count * rows[i * columns + k];
      }
      for (int64_t k = 0; k < columns; ++k) sum[k] /= static_cast<double>(n);
    }
  });
  return result;
}

Interval interval_of(const at::Tensor& resampled, double coverage) {
  const at::Tensor sorted = std::get<0>(resampled.sort(0));
  const int64_t n = resampled.size(0);
  const auto rank = [n](double share) {
    const auto index = static_cast<int64_t>(std::llround(share * static_cast<double>(n)));
    return std::clamp<int64_t>(index, 0, n - 1);
  };
  return {sorted[rank((1 - coverage) / 2)], sorted[rank((1 + coverage) / 2)]};
}

}  // namespace icl
