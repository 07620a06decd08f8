// SPDX-License-Identifier: Apache-2.0
//
// Stands in for CUDA's own headers where kernel sources are compiled for the host: the part of the
// language and of the library that kernels/cuda uses, on top of engine.h. Written in C++17, as the
// kernels are.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "tests/emulation/engine.h"

// What lets kernels/cuda/device.cuh do without nvcc.
#define ICL_CUDA_STAND_IN

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)

using dim3 = icl::emulation::Dim3;
using cudaStream_t = struct CUstream_st*;

#define threadIdx (::icl::emulation::current_thread)
#define blockIdx (::icl::emulation::current_block)
#define blockDim (::icl::emulation::block_size)
#define gridDim (::icl::emulation::grid_size)

#define __syncthreads() ::icl::emulation::wait_for_block(__FILE__, __LINE__)
#define __syncwarp(mask) \
  ::icl::emulation::wait_for_warp(::icl::emulation::WarpOp::kSync, __FILE__, __LINE__, mask, 0)
#define __shfl_sync(mask, value, lane) \
  ::icl::emulation::shuffle(__FILE__, __LINE__, mask, value, static_cast<unsigned>(lane))
#define __shfl_xor_sync(mask, value, bits)                   \
  ::icl::emulation::shuffle(__FILE__, __LINE__, mask, value, \
                            threadIdx.x % 32 ^ static_cast<unsigned>(bits))
#define __ballot_sync(mask, predicate) \
  ::icl::emulation::ballot(__FILE__, __LINE__, mask, (predicate) ? 1 : 0)
#define __any_sync(mask, predicate) (__ballot_sync(mask, predicate) != 0)
#define __all_sync(mask, predicate) (__ballot_sync(mask, predicate) == (mask))

namespace icl::emulation {

template <class V>
V shuffle(const char* file, int line, unsigned mask, V value, unsigned lane) {
  static_assert(sizeof(V) <= sizeof(uint64_t), "a shuffle moves at most 8 bytes");
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(V));
  wait_for_warp(WarpOp::kShuffle, file, line, mask, bits);
  bits = brought_by(lane, file, line, mask);
  std::memcpy(&value, &bits, sizeof(V));
  return value;
}

inline unsigned ballot(const char* file, int line, unsigned mask, unsigned predicate) {
  wait_for_warp(WarpOp::kVote, file, line, mask, predicate);
  unsigned votes = 0;
  for (unsigned lane = 0; lane < 32; ++lane) {
    if ((mask >> lane & 1) != 0 && brought_by(lane, file, line, mask) != 0) votes |= 1u << lane;
  }
  return votes;
}

inline uint32_t bits_of(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}
inline float float_of(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace icl::emulation

// Both round to nearest, ties to even, once.
struct __nv_bfloat16 {
  uint16_t bits;
};
inline float __bfloat162float(__nv_bfloat16 value) {
  return icl::emulation::float_of(static_cast<uint32_t>(value.bits) << 16);
}
inline __nv_bfloat16 __float2bfloat16(float value) {
  const uint32_t bits = icl::emulation::bits_of(value);
  if (value != value) return {0x7FFF};
  return {static_cast<uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16)};
}

struct __half {
  uint16_t bits;
};
inline float __half2float(__half value) {
  const int exponent = value.bits >> 10 & 31, mantissa = value.bits & 1023;
  float magnitude;
  if (exponent == 31) {
    magnitude = mantissa != 0 ? NAN : INFINITY;
  } else if (exponent == 0) {
    magnitude = std::ldexp(static_cast<float>(mantissa), -24);
  } else {
    magnitude = std::ldexp(static_cast<float>(mantissa + 1024), exponent - 25);
  }
  return (value.bits & 0x8000) != 0 ? -magnitude : magnitude;
}
inline __half __float2half(float value) {
  const uint16_t sign = static_cast<uint16_t>(icl::emulation::bits_of(value) >> 16 & 0x8000);
  const float magnitude = std::fabs(value);
  if (magnitude != magnitude) return {0x7FFF};
  if (magnitude >= 65520.0f) return {static_cast<uint16_t>(sign | 0x7C00)};
  int exponent;
  std::frexp(magnitude, &exponent);
  const int shift = std::max(exponent, -13);  // subnormal below 2^-14
  // In units of the last place; nearbyint rounds ties to even. A carry moves into the exponent.
  const int units = static_cast<int>(std::nearbyint(std::ldexp(magnitude, 11 - shift)));
  const int biased = magnitude < std::ldexp(1.0f, -14) ? 0 : shift + 13;
  return {static_cast<uint16_t>(sign | (biased * 1024 + units))};
}

template <class V>
V __ldg(const V* address) {
  return *address;
}
inline float __fdividef(float x, float y) {
  return x / y;
}
// Turns to half turns: the reduction is exact, as in CUDA's own.
inline void sincospi(double x, double* s, double* c) {
  const double reduced = x - 2 * std::nearbyint(x / 2);
  *s = std::sin(M_PI * reduced);
  *c = std::cos(M_PI * reduced);
}
inline void sincospif(float x, float* s, float* c) {
  double s_wide, c_wide;
  sincospi(x, &s_wide, &c_wide);
  *s = static_cast<float>(s_wide);
  *c = static_cast<float>(c_wide);
}

namespace icl::kernels {

// Every launch of a kernel goes through here; 0, or a CUDA error code (never, on the host).
template <class... Parameters, class... Arguments>
int launch(void (*kernel)(Parameters...), dim3 grid, unsigned block, size_t shared_bytes,
           cudaStream_t, Arguments... arguments) {
  emulation::run_grid(grid, block, shared_bytes, [&] { kernel(arguments...); });
  return 0;
}

}  // namespace icl::kernels

#define ICL_DYNAMIC_SHARED(type, name) \
  type* const name = static_cast<type*>(::icl::emulation::dynamic_shared())
#define ICL_SHARED(type, name, count)    \
  type* const name = static_cast<type*>( \
      ::icl::emulation::static_shared(__FILE__, __LINE__, sizeof(type) * (count)))
