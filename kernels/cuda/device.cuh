// SPDX-License-Identifier: Apache-2.0
//
// What the kernels share: the one way to launch, arithmetic in the state's type, sums in a fixed
// order. Without nvcc the same sources compile against tests/emulation, to be tested on the host.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__CUDACC__)
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#define ICL_DYNAMIC_SHARED(type, name)                     \
  extern __shared__ __align__(16) unsigned char name##_[]; \
  type* const name = reinterpret_cast<type*>(name##_)
#define ICL_SHARED(type, name, count) __shared__ type name[count]

namespace icl::kernels {

// Every launch of a kernel goes through here; returns a cudaError_t.
template <class... Parameters, class... Arguments>
int launch(void (*kernel)(Parameters...), dim3 grid, unsigned block, size_t shared_bytes,
           cudaStream_t stream, Arguments... arguments) {
  constexpr size_t kWithoutAsking = 48 * 1024;
  if (shared_bytes > kWithoutAsking) {
    const cudaError_t error = cudaFuncSetAttribute(
        kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared_bytes));
    if (error != cudaSuccess) return static_cast<int>(error);
  }
  kernel<<<grid, block, shared_bytes, stream>>>(arguments...);
  return static_cast<int>(cudaGetLastError());
}

}  // namespace icl::kernels
#else
#include "tests/emulation/cuda_emulation.h"
#endif

namespace icl::kernels {

constexpr unsigned kAllLanes = 0xFFFFFFFFu;
constexpr double kLog2E = 1.4426950408889634;

__host__ __device__ inline int64_t ceil_div(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

// Blocks are numbered in one dimension: the second and third of CUDA's grid end at 65535. More than
// fit the first become a number that the launch refuses, not one that wraps around.
inline dim3 blocks_1d(int64_t count) {
  dim3 grid;
  grid.x = count <= 0x7FFFFFFF ? static_cast<unsigned>(count) : 0xFFFFFFFFu;
  return grid;
}

// Conversions between activations and states; 16-bit results are rounded once, to nearest even.
__device__ __forceinline__ float widen(float value) {
  return value;
}
__device__ __forceinline__ double widen(double value) {
  return value;
}
__device__ __forceinline__ float widen(__half value) {
  return __half2float(value);
}
__device__ __forceinline__ float widen(__nv_bfloat16 value) {
  return __bfloat162float(value);
}
template <class T>
struct Narrow {
  template <class S>
  static __device__ __forceinline__ T from(S value) {
    return value;
  }
};
template <>
struct Narrow<__half> {
  static __device__ __forceinline__ __half from(float value) { return __float2half(value); }
};
template <>
struct Narrow<__nv_bfloat16> {
  static __device__ __forceinline__ __nv_bfloat16 from(float value) {
    return __float2bfloat16(value);
  }
};

// 2^x. In float32 one instruction of the special function unit, 2 units in the last place; the
// library's exp2f spends three more on subnormal results, which here decay to nothing anyway.
__device__ __forceinline__ float exp2_of(float x) {
#if defined(__CUDA_ARCH__)
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
#else
  return exp2f(x);
#endif
}
__device__ __forceinline__ double exp2_of(double x) {
  return exp2(x);
}

__device__ __forceinline__ float exp_of(float x) {
  return expf(x);
}
__device__ __forceinline__ double exp_of(double x) {
  return exp(x);
}
__device__ __forceinline__ float quotient(float x, float y) {
  return __fdividef(x, y);
}
__device__ __forceinline__ double quotient(double x, double y) {
  return x / y;
}

// log(1 + e^x), x itself beyond 20, as ATen's softplus.
__device__ __forceinline__ float softplus(float x) {
  return x > 20.0f ? x : log1pf(expf(x));
}
__device__ __forceinline__ double softplus(double x) {
  return x > 20.0 ? x : log1p(exp(x));
}

template <class S>
__device__ __forceinline__ S sigmoid(S x) {
  return quotient(S(1), S(1) + exp_of(-x));
}
// d silu(x) / dx where s = sigmoid(x)
template <class S>
__device__ __forceinline__ S silu_slope(S x, S s) {
  return s * (S(1) + x * (S(1) - s));
}

// Four neighbours read or written by one instruction.
template <class S>
struct alignas(16) Vec4 {
  S v[4];
};

// Sums over the warp in a fixed order; every lane gets the sum.
template <class S>
__device__ __forceinline__ S warp_sum(S value) {
#pragma unroll
  for (int bits = 16; bits > 0; bits >>= 1) value += __shfl_xor_sync(kAllLanes, value, bits);
  return value;
}

}  // namespace icl::kernels
