// SPDX-License-Identifier: Apache-2.0
//
// What the CPU kernels share: how work is cut into blocks, sums in a fixed order, and which SIMD
// target was chosen.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace icl::kernels::cpu {

// Channels of one block; a cache-friendly number of SIMD vectors on every machine.
inline constexpr int64_t kChannels = 64;
// At most so many steps lie between states that the forward pass saves and the backward pass starts
// again from.
inline constexpr int64_t kSegment = 32;

inline constexpr double kLog2E = 1.4426950408889634;

inline int64_t channel_blocks(int64_t width) {
  return (width + kChannels - 1) / kChannels;
}
inline int64_t segments(int64_t length) {
  return (length + kSegment - 1) / kSegment;
}
// Steps of each segment but the last, which may have fewer: a sequence is cut evenly.
inline int64_t segment_steps(int64_t length) {
  return length == 0 ? 0 : (length + segments(length) - 1) / segments(length);
}

// sum[i] = parts[0][i] + parts[1][i] + ... in that order and in float64, for i in [begin, end).
template <class T>
void sum_parts(const T* parts, int64_t count, int64_t size, T* sum, int64_t begin, int64_t end);

// What the run-time dispatch chose, e.g. "AVX3" (Highway's name for AVX-512), and all that it could
// have chosen on this machine.
const char* simd_target();
std::vector<std::string> simd_targets();
// For tests: from now on the target of this name, one of simd_targets(); "" is the best again.
void choose_simd_target(const std::string& name);

}  // namespace icl::kernels::cpu
