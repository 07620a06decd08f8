// SPDX-License-Identifier: Apache-2.0
#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "icl/base/error.h"
#include "icl/models/attention.h"

namespace icl {
namespace {

constexpr int64_t kFirstTable = 256;  // positions

double llama3_frequency(double frequency, const RotaryOptions::Llama3& scaling) {
  const double wavelength = 2 * std::numbers::pi / frequency;
  if (wavelength < scaling.context / scaling.high) return frequency;
  if (wavelength > scaling.context / scaling.low) return frequency / scaling.factor;
  const double kept = (scaling.context / wavelength - scaling.low) / (scaling.high - scaling.low);
  return kept * frequency + (1 - kept) * frequency / scaling.factor;
}

}  // namespace

Rotary::Rotary(const RotaryOptions& options) : options_(options) {
  ICL_ASSERT(options.width > 0 && options.width % 2 == 0, "a rotary width of ", options.width);
  std::vector<double> frequencies;
  for (int64_t j = 0; j < options.width; j += 2) {
    const double share = static_cast<double>(j) / static_cast<double>(options.width);
    const double frequency = std::pow(options.theta, -share) / options.stretch;
    frequencies.push_back(options.llama3 ? llama3_frequency(frequency, *options.llama3)
                                         : frequency);
  }
  frequencies_ = at::tensor(frequencies, at::kDouble);
}

Rotary::Angles Rotary::angles(int64_t first, int64_t count, const at::Tensor& like) const {
  const std::lock_guard lock(mutex_);
  const int64_t known = table_.cos.defined() ? table_.cos.size(0) : 0;
  if (first + count > known || table_.cos.scalar_type() != like.scalar_type() ||
      table_.cos.device() != like.device()) {
    const int64_t size = std::max({kFirstTable, 2 * known, first + count});
    const at::Tensor angles = at::outer(at::arange(size, at::kDouble), frequencies_);
    table_ = {at::cos(angles).to(like.options()), at::sin(angles).to(like.options())};
  }
  return {table_.cos.narrow(0, first, count), table_.sin.narrow(0, first, count)};
}

Rotary::Angles Rotary::angles(const std::vector<int64_t>& positions, const at::Tensor& like) const {
  const int64_t last = *std::max_element(positions.begin(), positions.end());
  const Angles all = angles(0, last + 1, like);
  const at::Tensor rows = at::tensor(positions, at::kLong).to(like.device());
  return {all.cos.index_select(0, rows), all.sin.index_select(0, rows)};
}

at::Tensor Rotary::turn(const at::Tensor& x_BHTd, const Angles& angles) const {
  const int64_t width = options_.width;
  const int64_t half = width / 2;
  const bool halves = options_.pairs == RotaryOptions::Pairs::kHalves;
  at::Tensor a, b;  // [B, H, T, width / 2]
  if (halves) {
    a = x_BHTd.narrow(-1, 0, half);
    b = x_BHTd.narrow(-1, half, half);
  } else {
    const at::Tensor pairs = x_BHTd.narrow(-1, 0, width).unflatten(-1, {half, 2});
    a = pairs.select(-1, 0);
    b = pairs.select(-1, 1);
  }
  const at::Tensor turned_a = at::addcmul(a * angles.cos, b, angles.sin, -1);
  const at::Tensor turned_b = at::addcmul(b * angles.cos, a, angles.sin);
  const at::Tensor rest = x_BHTd.narrow(-1, width, x_BHTd.size(-1) - width);
  if (halves) return at::cat({turned_a, turned_b, rest}, -1);
  return at::cat({at::stack({turned_a, turned_b}, -1).flatten(-2), rest}, -1);
}

}  // namespace icl
