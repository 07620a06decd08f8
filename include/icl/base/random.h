// SPDX-License-Identifier: Apache-2.0
//
// Counter-based random streams (Philox4x32-10; Salmon et al. 2011).
//
// A stream is named by (seed, name, step). Element i of a draw depends on these and on i alone, so
// a step can be replayed by itself, and neither thread count nor the order of draws changes
// anything.
//
//   const RandomStream step = RandomStream(seed, "train").at_step(1000);
//   at::Tensor xs = step.child("xs").normal({64, 41, 20});
//   at::Tensor ws = step.child("weights").normal({64, 20});
//
// Two draws of one stream are equal: take a child for each quantity.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string_view>

namespace icl {

class RandomStream {
 public:
  RandomStream(uint64_t seed, std::string_view name);

  // The stream of the same name at a training step (or any other index).
  RandomStream at_step(int64_t step) const;
  // An independent stream for one quantity.
  RandomStream child(std::string_view name) const;

  // float32 tensors on the CPU. Element i comes from word i % 4 of Philox block i / 4, whatever the
  // shape, so a longer draw begins with the shorter one.
  at::Tensor uniform(at::IntArrayRef shape) const;  // [0, 1), 24 random bits
  at::Tensor normal(at::IntArrayRef shape) const;   // Box-Muller on pairs, from 32-bit uniforms
  // int64, uniform on 0 .. bound-1 (multiply-shift; bias below bound / 2^32).
  at::Tensor integers(at::IntArrayRef shape, int64_t bound) const;
  // int64 [rows, n]: each row a uniformly random order of 0 .. n-1.
  at::Tensor permutations(int64_t rows, int64_t n) const;

  // 64 bits to seed another generator with.
  uint64_t key() const { return key_; }

 private:
  explicit RandomStream(uint64_t key) : key_(key) {}
  uint64_t key_;
};

}  // namespace icl
