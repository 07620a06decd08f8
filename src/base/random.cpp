// SPDX-License-Identifier: Apache-2.0
#include "icl/base/random.h"

#include <ATen/Parallel.h>
#include <ATen/core/PhiloxRNGEngine.h>
#include <ATen/ops/argsort.h>
#include <ATen/ops/empty.h>

#include <array>
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

// Calls fill(block, the block's four 32-bit words) for blocks 0 .. ceil(count / 4) - 1.
template <class Fill>
void for_each_block(uint64_t key, int64_t count, const Fill& fill) {
  const int64_t blocks = (count + 3) / 4;
  at::parallel_for(0, blocks, /*grain_size=*/4096, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      at::Philox4_32 engine(key, /*subsequence=*/static_cast<uint64_t>(block), /*offset=*/0);
      std::array<uint32_t, 4> words{};
      for (uint32_t& word : words) word = engine();
      fill(block, words);
    }
  });
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
  const int64_t count = result.numel();
  for_each_block(key_, count, [=](int64_t block, const std::array<uint32_t, 4>& words) {
    for (int64_t j = 0; j < 4 && 4 * block + j < count; ++j) {
      out[4 * block + j] = static_cast<float>(words[j] >> 8) * 0x1p-24F;
    }
  });
  return result;
}

at::Tensor RandomStream::normal(at::IntArrayRef shape) const {
  at::Tensor result = at::empty(shape, at::kFloat);
  float* out = result.data_ptr<float>();
  const int64_t count = result.numel();
  for_each_block(key_, count, [=](int64_t block, const std::array<uint32_t, 4>& words) {
    std::array<float, 4> values{};
    for (int64_t pair = 0; pair < 2; ++pair) {
      // (0, 1]: the logarithm stays finite.
      const double u = (static_cast<double>(words[2 * pair]) + 1) * 0x1p-32;
      const double angle =
          2 * std::numbers::pi * static_cast<double>(words[2 * pair + 1]) * 0x1p-32;
      const double radius = std::sqrt(-2 * std::log(u));
      values[2 * pair] = static_cast<float>(radius * std::cos(angle));
      values[2 * pair + 1] = static_cast<float>(radius * std::sin(angle));
    }
    for (int64_t j = 0; j < 4 && 4 * block + j < count; ++j) out[4 * block + j] = values[j];
  });
  return result;
}

at::Tensor RandomStream::integers(at::IntArrayRef shape, int64_t bound) const {
  ICL_ASSERT(bound >= 1 && bound <= (int64_t{1} << 31), "bound ", bound);
  at::Tensor result = at::empty(shape, at::kLong);
  int64_t* out = result.data_ptr<int64_t>();
  const int64_t count = result.numel();
  for_each_block(key_, count, [=](int64_t block, const std::array<uint32_t, 4>& words) {
    for (int64_t j = 0; j < 4 && 4 * block + j < count; ++j) {
      const uint64_t product = static_cast<uint64_t>(words[j]) * static_cast<uint64_t>(bound);
      out[4 * block + j] = static_cast<int64_t>(product >> 32);
    }
  });
  return result;
}

at::Tensor RandomStream::permutations(int64_t rows, int64_t n) const {
  // Sorting 24-bit uniforms: a tie (chance n^2 / 2^25 a row) falls to the stable order.
  return at::argsort(uniform({rows, n}), /*stable=*/true, /*dim=*/1);
}

}  // namespace icl
