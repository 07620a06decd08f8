// SPDX-License-Identifier: Apache-2.0
//
// 95% bootstrap intervals of means over prompts.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "icl/base/random.h"

namespace icl::probing {

// How often each of n prompts is drawn in each resample: float64 [R, n], rows sum to n.
at::Tensor resample_counts(int64_t resamples, int64_t n, const RandomStream& stream);

// The 2.5% and 97.5% quantiles along the last dimension.
struct Quantiles {
  at::Tensor low, high;
};
Quantiles quantiles(const at::Tensor& values);

// Numbers of a one-dimensional tensor.
std::vector<double> numbers(const at::Tensor& values);

}  // namespace icl::probing
