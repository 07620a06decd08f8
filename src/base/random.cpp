// SPDX-License-Identifier: Apache-2.0
#include "icl/base/random.h"

#include <ATen/Parallel.h>
#include <ATen/ops/argsort.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numbers>

#include "icl/base/error.h"

namespace icl {
namespace {

// The finaliser of SplitMix64: every input bit reaches every output bit.
uint64_t mix(uint64_t z) {
  z += 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

// FNV-1a.
uint64_t hash(std::string_view text) {
  uint64_t value = 0xcbf29ce484222325ULL;
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return value;
}

// Philox4x32-10 of the counter (0, 0, block) under `key`: the four words that ATen's engine, host
// or device, gives for subsequence `block` at offset 0.
std::array<uint32_t, 4> philox(uint64_t key, uint64_t block) {
  uint32_t c0 = 0;
  uint32_t c1 = 0;
  auto c2 = static_cast<uint32_t>(block);
  auto c3 = static_cast<uint32_t>(block >> 32);
  auto k0 = static_cast<uint32_t>(key);
  auto k1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53} * c0;
    const uint64_t p1 = uint64_t{0xCD9E8D57} * c2;
    c0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ k0;
    c1 = static_cast<uint32_t>(p1);
    c2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c3 = static_cast<uint32_t>(p0);
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return {c0, c1, c2, c3};
}

// Words are drawn and transformed in groups, in loops that the compiler can vectorise.
constexpr int64_t kGroup = 256;
using Words = std::array<uint32_t, kGroup>;

// Calls fill(words, first element, number of elements) for each group of `count` elements; element
// i of a draw has word i % 4 of Philox block i / 4.
template <class Fill>
void for_each_group(uint64_t key, int64_t count, const Fill& fill) {
  const int64_t groups = (count + kGroup - 1) / kGroup;
  at::parallel_for(0, groups, /*grain_size=*/64, [&](int64_t begin, int64_t end) {
    Words words{};
    for (int64_t group = begin; group < end; ++group) {
      const int64_t first = group * kGroup;
      const int64_t size = std::min(kGroup, count - first);
      for (int64_t j = 0; j < size; j += 4) {
        const auto block = philox(key, static_cast<uint64_t>((first + j) / 4));
        for (int64_t word = 0; word < 4; ++word) words[j + word] = block[word];
      }
      fill(words, first, size);
    }
  });
}

// The natural logarithm of x in [2^-32, 1], to 1e-12: x = m 2^e with m in [sqrt(1/2), sqrt(2)), and
// log m = 2 atanh((m - 1) / (m + 1)) by its series. Plain arithmetic rather than libm, so that it
// vectorises and gives the same bits with every C library.
inline double log_of(double x) {
  constexpr int64_t kSqrtHalf = 0x3fe6a09e667f3bcd;
  const auto bits = std::bit_cast<int64_t>(x);
  const int64_t exponent = (bits - kSqrtHalf) >> 52;
  const double m = std::bit_cast<double>(bits - (exponent << 52));
  const double s = (m - 1) / (m + 1);
  const double z = s * s;
  const double series =
      1 + z * (1.0 / 3 +
               z * (1.0 / 5 + z * (1.0 / 7 + z * (1.0 / 9 + z * (1.0 / 11 + z * (1.0 / 13))))));
  return static_cast<double>(exponent) * std::numbers::ln2 + 2 * s * series;
}

struct SinCos {
  double sin;
  double cos;
};

// Sine and cosine of `turn` whole turns in [0, 1), to 1e-13: Taylor series around the nearest
// quarter.
inline SinCos sincos_of_turn(double turn) {
  const double quarters = turn * 4;
  const auto quarter = static_cast<int32_t>(quarters + 0.5);
  const double a = (quarters - quarter) * (std::numbers::pi / 2);
  const double z = a * a;
  const double sin =
      a *
      (1 + z * (-1.0 / 6 +
                z * (1.0 / 120 + z * (-1.0 / 5040 + z * (1.0 / 362880 + z * (-1.0 / 39916800 +
                                                                             z / 6227020800.0))))));
  const double cos =
      1 + z * (-1.0 / 2 +
               z * (1.0 / 24 +
                    z * (-1.0 / 720 + z * (1.0 / 40320 + z * (-1.0 / 3628800 + z / 479001600.0)))));
  const double x = (quarter & 1) != 0 ? cos : sin;
  const double y = (quarter & 1) != 0 ? sin : cos;
  return {(quarter & 2) != 0 ? -x : x, ((quarter + 1) & 2) != 0 ? -y : y};
}

}  // namespace

RandomStream::RandomStream(uint64_t seed, std::string_view name)
    : key_(mix(mix(seed) ^ hash(name))) {}

RandomStream RandomStream::at_step(int64_t step) const {
  return RandomStream(mix(key_ ^ mix(static_cast<uint64_t>(step) + 1)));
}

RandomStream RandomStream::child(std::string_view name) const {
  return RandomStream(mix(key_ + hash(name)));
}

at::Tensor RandomStream::uniform(at::IntArrayRef shape) const {
  at::Tensor result = at::empty(shape, at::kFloat);
  float* out = result.data_ptr<float>();
  for_each_group(key_, result.numel(), [=](const Words& words, int64_t first, int64_t size) {
    for (int64_t j = 0; j < size; ++j) {
      out[first + j] = static_cast<float>(words[j] >> 8) * 0x1p-24F;
    }
  });
  return result;
}

at::Tensor RandomStream::normal(at::IntArrayRef shape) const {
  at::Tensor result = at::empty(shape, at::kFloat);
  float* out = result.data_ptr<float>();
  for_each_group(key_, result.numel(), [=](const Words& words, int64_t first, int64_t size) {
    std::array<float, kGroup> values;
    for (int64_t pair = 0; pair < kGroup / 2; ++pair) {
      // (0, 1]: the logarithm stays finite.
      const double u = (static_cast<double>(words[2 * pair]) + 1) * 0x1p-32;
      const double radius = std::sqrt(-2 * log_of(u));
      const SinCos angle = sincos_of_turn(static_cast<double>(words[2 * pair + 1]) * 0x1p-32);
      values[2 * pair] = static_cast<float>(radius * angle.cos);
      values[2 * pair + 1] = static_cast<float>(radius * angle.sin);
    }
    std::copy_n(values.begin(), size, out + first);
  });
  return result;
}

at::Tensor RandomStream::integers(at::IntArrayRef shape, int64_t bound) const {
  ICL_ASSERT(bound >= 1 && bound <= (int64_t{1} << 31), "bound ", bound);
  at::Tensor result = at::empty(shape, at::kLong);
  int64_t* out = result.data_ptr<int64_t>();
  for_each_group(key_, result.numel(), [=](const Words& words, int64_t first, int64_t size) {
    for (int64_t j = 0; j < size; ++j) {
      const uint64_t product = static_cast<uint64_t>(words[j]) * static_cast<uint64_t>(bound);
      out[first + j] = static_cast<int64_t>(product >> 32);
    }
  });
  return result;
}

at::Tensor RandomStream::permutations(int64_t rows, int64_t n) const {
  // Sorting 24-bit uniforms: a tie (chance n^2 / 2^25 a row) falls to the stable order.
  return at::argsort(uniform({rows, n}), /*stable=*/true, /*dim=*/1);
}

}  // namespace icl
