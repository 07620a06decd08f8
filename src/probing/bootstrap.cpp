// SPDX-License-Identifier: Apache-2.0
#include "bootstrap.h"

#include <ATen/ATen.h>

#include <cmath>

namespace icl::probing {

at::Tensor resample_counts(int64_t resamples, int64_t n, const RandomStream& stream) {
  const at::Tensor drawn = stream.child("bootstrap").integers({resamples, n}, n);
  const at::Tensor ones = at::ones({resamples, n}, at::kDouble);
  return at::zeros({resamples, n}, at::kDouble).scatter_add_(1, drawn, ones);
}

// Order statistics without interpolation, so that the steps of a match stay whole.
Quantiles quantiles(const at::Tensor& values) {
  const at::Tensor sorted = std::get<0>(values.sort(-1));
  const int64_t n = values.size(-1);
  const auto rank = [&](double share) { return std::llround(share * static_cast<double>(n - 1)); };
  return {sorted.select(-1, rank(0.025)), sorted.select(-1, rank(0.975))};
}

std::vector<double> numbers(const at::Tensor& values) {
  const at::Tensor plain = values.to(at::kCPU, at::kDouble).contiguous();
  const double* first = plain.data_ptr<double>();
  return {first, first + plain.numel()};
}

}  // namespace icl::probing
