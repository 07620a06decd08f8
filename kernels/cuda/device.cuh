// SPDX-License-Identifier: Apache-2.0
//
// What the kernels share: the one way to launch, arithmetic in the state's type, sums in a fixed
// order. The same sources compile for the host, to be tested there, after a header that stands in
// for CUDA's language and defines ICL_CUDA_STAND_IN.
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
    // Room for as many such blocks as fit; a hint, whose refusal is none of the caller's errors.
    if (cudaFuncSetAttribute(kernel, cudaFuncAttributePreferredSharedMemoryCarveout,
                             cudaSharedmemCarveoutMaxShared) != cudaSuccess) {
      static_cast<void>(cudaGetLastError());
    }
  }
  kernel<<<grid, block, shared_bytes, stream>>>(arguments...);
  return static_cast<int>(cudaGetLastError());
}

}  // namespace icl::kernels
#elif !defined(ICL_CUDA_STAND_IN)
#error "CUDA sources need nvcc, or a stand-in for CUDA's language included before them"
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

__device__ __forceinline__ float reciprocal(float x) {
#if defined(__CUDA_ARCH__)
  float y;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
#else
  return 1.0f / x;
#endif
}
__device__ __forceinline__ double reciprocal(double x) {
  return 1.0 / x;
}

// Between these e^x neither overflows nor is far from nothing.
template <class S>
constexpr S kLeastExponent = S(sizeof(S) == 8 ? -700 : -100);
template <class S>
constexpr S kMostExponent = S(sizeof(S) == 8 ? 700 : 88);

// e^x between them, in six instructions where expf takes nine. x log2(e) is rounded; what it lost
// multiplies the result.
__device__ __forceinline__ float exp_within(float x) {
  constexpr float kLog2EHigh = 1.44269502f, kLog2ELow = 1.92596299e-8f, kLn2 = 0.693147182f;
  const float power = x * kLog2EHigh;
  const float lost = fmaf(x, kLog2ELow, fmaf(x, kLog2EHigh, -power));
  return exp2_of(power) * fmaf(lost, kLn2, 1.0f);
}
__device__ __forceinline__ double exp_within(double x) {
  return exp(x);
}

// log(1 + e) for 0 <= e <= 1: a polynomial of degree 10 whose relative error is at most 5e-9.
__device__ __forceinline__ float log1p_within(float e) {
  float p = -0.0032440257f;
  p = fmaf(p, e, 0.0198514663f);
  p = fmaf(p, e, -0.0569595449f);
  p = fmaf(p, e, 0.106036564f);
  p = fmaf(p, e, -0.153055937f);
  p = fmaf(p, e, 0.196759398f);
  p = fmaf(p, e, -0.249541338f);
  p = fmaf(p, e, 0.333299624f);
  p = fmaf(p, e, -0.499999024f);
  return fmaf(p, e, 1.0f) * e;
}
__device__ __forceinline__ double log1p_within(double e) {
  return log1p(e);
}

// The second where the first is NaN.
template <class S>
__device__ __forceinline__ S larger(S a, S b) {
  return a > b ? a : b;
}
template <class S>
__device__ __forceinline__ S smaller(S a, S b) {
  return a < b ? a : b;
}
__device__ __forceinline__ float magnitude(float x) {
  return fabsf(x);
}
__device__ __forceinline__ double magnitude(double x) {
  return fabs(x);
}

// log(1 + e^x) and its slope. ATen's is x itself beyond 20, which is what this rounds to in
// float32; in float64 it differs there by 2e-9.
template <class S>
struct Softplus {
  S value, slope;
};
template <class S>
__device__ __forceinline__ Softplus<S> softplus(S x) {
  if (sizeof(S) == 8 && x > S(20)) return {x, S(1)};
  const S e = exp_within(larger(-magnitude(x), kLeastExponent<S>));
  const S share = reciprocal(S(1) + e);
  // NaN is not <= 0, and so handed on.
  return {(x <= S(0) ? S(0) : x) + log1p_within(e), x <= S(0) ? e * share : share};
}

// Of NaN, 1: every use multiplies by x.
template <class S>
__device__ __forceinline__ S sigmoid(S x) {
  const S within = smaller(larger(-x, kLeastExponent<S>), kMostExponent<S>);
  return reciprocal(S(1) + exp_within(within));
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

// to[n] = from[n] and back, of COUNT values the first `left` (the others zero, or not written);
// `in_fours` if `left` is a multiple of 4 and the address of 16 bytes.
template <int COUNT, class S>
__device__ __forceinline__ void load_values(S* to, const S* from, int left, bool in_fours) {
#pragma unroll
  for (int n = 0; n < COUNT; n += 4) {
    if (in_fours) {
      const Vec4<S> four = n < left ? *reinterpret_cast<const Vec4<S>*>(from + n) : Vec4<S>{};
#pragma unroll
      for (int m = 0; m < 4; ++m) to[n + m] = four.v[m];
    } else {
#pragma unroll
      for (int m = 0; m < 4; ++m) to[n + m] = n + m < left ? from[n + m] : S(0);
    }
  }
}
template <int COUNT, class S>
__device__ __forceinline__ void store_values(S* to, const S* from, int left, bool in_fours) {
#pragma unroll
  for (int n = 0; n < COUNT; n += 4) {
    if (in_fours) {
      if (n < left) {
        *reinterpret_cast<Vec4<S>*>(to + n) = {from[n], from[n + 1], from[n + 2], from[n + 3]};
      }
    } else {
#pragma unroll
      for (int m = 0; m < 4; ++m) {
        if (n + m < left) to[n + m] = from[n + m];
      }
    }
  }
}

// Sums over the warp in a fixed order; every lane gets the sum.
template <class S>
__device__ __forceinline__ S warp_sum(S value) {
#pragma unroll
  for (int bits = 16; bits > 0; bits >>= 1) value += __shfl_xor_sync(kAllLanes, value, bits);
  return value;
}

}  // namespace icl::kernels
