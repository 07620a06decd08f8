// SPDX-License-Identifier: Apache-2.0
//
// What the direct and the Fourier form of the long convolution share.
#pragma once

#include <cstdint>

namespace icl::kernels::cpu {

// Longest sequence convolved directly. On one core of an AVX-512 machine (Zen 4), B=8, ns per
// output and pass, direct against Fourier: L=82 1.4 : 2.1, L=129 1.8 : 2.8, L=202 2.7 : 2.0,
// L=512 6.6 : 1.8; between powers of two the transforms are as long as at the next one.
inline constexpr int64_t kDirectLength = 160;

inline constexpr int64_t kWidth = 32;   // channels of a block: two vectors of the widest
inline constexpr int64_t kPrompts = 8;  // of a block
inline constexpr int64_t kLags = 32;    // of a block of the gradient of k
inline constexpr int64_t kChain = 32;   // products summed before they join the total

inline int64_t blocks_of(int64_t value, int64_t size) {
  return (value + size - 1) / size;
}

// [B, L, H] rows read or written in either direction of time: forward for the convolution,
// backward for its transpose.
template <class T>
struct Series {
  T* first;        // row 0 of prompt 0, in the order of reading
  int64_t row;     // elements from one row to the next; negative if read backward
  int64_t prompt;  // elements from one prompt to the next

  Series(T* data, int64_t length, int64_t stride, bool backward)
      : first(backward && length > 0 ? data + (length - 1) * stride : data),
        row(backward ? -stride : stride),
        prompt(length * stride) {}
  T* at(int64_t b, int64_t l, int64_t channel) const {
    return first + b * prompt + l * row + channel;
  }
};

template <class T>
struct Convolution {
  int64_t batch, length, channels;
  Series<const T> u;
  const T* k;  // [L, H]
  const T* D;  // [H]
  Series<T> y;
};

}  // namespace icl::kernels::cpu
