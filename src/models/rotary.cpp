// SPDX-License-Identifier: Apache-2.0
#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "icl/base/error.h"
#include "icl/models/attention.h"

namespace icl {
namespace {

constexpr int64_t kFirstTable = 256;  // positions

bool fits(const Rotary::Angles& table, int64_t count, const at::Tensor& like) {
  return table.cos.defined() && table.cos.size(0) >= count &&
         table.cos.scalar_type() == like.scalar_type() && table.cos.device() == like.device();
}

}  // namespace

std::vector<double> rotary_frequencies(double theta, int64_t width) {
  std::vector<double> frequencies;
  for (int64_t j = 0; j < width; j += 2) {
    frequencies.push_back(std::pow(theta, -static_cast<double>(j) / static_cast<double>(width)));
  }
  return frequencies;
}

Rotary::Rotary(const RotaryOptions& options) : options_(options) {
  ICL_ASSERT(options.width > 0 && options.width % 2 == 0, "a rotary width of ", options.width);
  if (options_.frequencies.empty()) options_.frequencies = rotary_frequencies(1e4, options.width);
  ICL_ASSERT(static_cast<int64_t>(options_.frequencies.size()) * 2 == options.width,
             options_.frequencies.size(), " frequencies for a rotary width of ", options.width);
}

Rotary::Angles Rotary::table(const std::vector<double>& frequencies, int64_t count,
                             const at::Tensor& like) const {
  const at::Tensor angles =
      at::outer(at::arange(count, at::kDouble), at::tensor(frequencies, at::kDouble));
  const auto stored = [&](const at::Tensor& x) { return (x * options_.scale).to(like.options()); };
  return {stored(at::cos(angles)), stored(at::sin(angles))};
}

Rotary::Angles Rotary::angles(int64_t first, int64_t count, const at::Tensor& like) const {
  const std::lock_guard lock(mutex_);
  const int64_t end = first + count;
  if (options_.longer && end > options_.longest) {
    if (end != longer_count_ || !fits(longer_, end, like)) {
      longer_ = table(options_.longer(end), end, like);
      longer_count_ = end;
    }
    return {longer_.cos.narrow(0, first, count), longer_.sin.narrow(0, first, count)};
  }
  if (!fits(table_, end, like)) {
    const int64_t known = table_.cos.defined() ? table_.cos.size(0) : 0;
    table_ = table(options_.frequencies, std::max({kFirstTable, 2 * known, end}), like);
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
