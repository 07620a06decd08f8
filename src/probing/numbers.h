// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace icl::probing {

// Of the bootstrap intervals of all probes.
inline constexpr double kCoverage = 0.95;

// Numbers of a one-dimensional tensor.
std::vector<double> numbers(const at::Tensor& values);

}  // namespace icl::probing
