// SPDX-License-Identifier: Apache-2.0
//
// Causal convolution with a filter as long as the sequence, directly: y[l] = sum_j k[j] u[l - j].
// A block takes 32 channels of one sequence, both operands in shared memory, lanes along channels;
// a warp takes 8 neighbouring outputs at a time and slides along the sum.
//
// Bound: multiply-adds, L / 2 for each output; shared memory comes second, as 16 values read serve
// 64 products.
// Surprise: the gradient of u is the same sum with time reversed, and the gradient of k is one
// with dy in place of k, so a single sliding product serves all three. Positions outside a sequence
// are zeros in shared memory (8 on either side), not branches.
#include "kernels/cuda/sum_rows.cuh"
#include "kernels/long_conv.h"

namespace icl::kernels {
namespace {

constexpr int kThreads = 128;
constexpr int kWarps = kThreads / 32;
constexpr int kLanes = 33;  // channels in a row of shared memory; one more avoids bank conflicts
constexpr int kOut = 8;     // outputs of a warp at a time
constexpr int kRun = 32;    // terms summed in one chain
// Sequences whose parts of dk one block adds up: fewer parts to write, still enough blocks.
constexpr int64_t kBatchPart = 4;

// sums[o] += sum_j a[j] b[first + o - j] for j = 0 .. last, where a and b point at position 0 of
// this lane's channel, and positions -kOut .. beyond the end by kOut are readable. Summed by kRun
// terms: the rounding of a sum grows with the length of its chain.
template <class S>
__device__ __forceinline__ void slide(S (&sums)[kOut], const S* a, const S* b, int first,
                                      int last) {
  for (int run = 0; run <= last; run += kRun) {
    S part[kOut] = {};
    const int stop = run + kRun - 1 < last ? run + kRun - 1 : last;
    for (int j0 = run; j0 <= stop; j0 += kOut) {
      S factor[kOut], window[2 * kOut - 1];
#pragma unroll
      for (int j = 0; j < kOut; ++j) factor[j] = j0 + j <= last ? a[(j0 + j) * kLanes] : S(0);
        // window[w] is b at first - j0 - (kOut - 1) + w
#pragma unroll
      for (int w = 0; w < 2 * kOut - 1; ++w) {
        window[w] = b[(first - j0 - (kOut - 1) + w) * kLanes];
      }
#pragma unroll
      for (int j = 0; j < kOut; ++j) {
#pragma unroll
        for (int o = 0; o < kOut; ++o) part[o] += factor[j] * window[kOut - 1 + o - j];
      }
    }
#pragma unroll
    for (int o = 0; o < kOut; ++o) sums[o] += part[o];
  }
}

// Rows that a sequence takes, zeros included: position 0 is at row kOut.
__host__ __device__ inline int64_t padded_rows(int64_t length) {
  return ceil_div(length, kOut) * kOut + 2 * kOut;
}

// Rows of [B, L, H], or of them reversed in time, as columns of shared memory.
template <class T, class S>
__device__ __forceinline__ void stage_sequence(S* to, const T* from, int64_t stride, int64_t b,
                                               int64_t length, int64_t h, int64_t channels,
                                               bool reversed) {
  const int lane = threadIdx.x % 32;
  const int rows = static_cast<int>(padded_rows(length));
  for (int row = threadIdx.x / 32; row < rows; row += kWarps) {
    const int64_t t = row - kOut;
    S value = 0;
    if (t >= 0 && t < length && h < channels) {
      value = widen(from[(b * length + (reversed ? length - 1 - t : t)) * stride + h]);
    }
    to[row * kLanes + lane] = value;
  }
}

// y = k * u + D u; or, reversed, du = k * dy + D dy with time running backward.
template <class T, class S>
__global__ void convolve_kernel(LongConvParams<T, S> p, bool reversed) {
  ICL_DYNAMIC_SHARED(S, shared);
  S* const k = shared;
  S* const u = shared + p.length * kLanes;
  const int64_t tiles = ceil_div(p.channels, 32), b = blockIdx.x / tiles;
  const int64_t h0 = blockIdx.x % tiles * 32;
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  const int64_t h = h0 + lane;
  // k lies with time contiguous: lanes along time here, one channel at a time.
  for (int c = warp; c < 32; c += kWarps) {
    for (int64_t j = lane; j < p.length; j += 32) {
      k[j * kLanes + c] = h0 + c < p.channels ? p.k[(h0 + c) * p.length + j] : S(0);
    }
  }
  stage_sequence(u, p.u, p.u_stride, b, p.length, h, p.channels, reversed);
  __syncthreads();
  if (h >= p.channels) return;
  const S skip = p.D != nullptr ? p.D[h] : S(0);
  const S* const start = u + kOut * kLanes + lane;
  const int length = static_cast<int>(p.length);
  for (int l0 = warp * kOut; l0 < length; l0 += kWarps * kOut) {
    S sums[kOut] = {};
    slide(sums, k + lane, start, l0, l0 + kOut - 1 < length ? l0 + kOut - 1 : length - 1);
#pragma unroll
    for (int o = 0; o < kOut; ++o) {
      const int l = l0 + o;
      if (l >= length) continue;
      const int64_t t = reversed ? length - 1 - l : l;
      const S y = sums[o] + skip * start[l * kLanes];
      p.y[(b * p.length + t) * p.channels + h] = Narrow<T>::from(y);
    }
  }
}

// dk[j] = sum_l dy[l] u[l - j]. With dy reversed to r[m] = dy[L - 1 - m] that is output L - 1 - j
// of the product r * u. parts [ceil(B / kBatchPart), H, L].
template <class T, class S>
__global__ void filter_grad_kernel(LongConvGradParams<T, S> grad, S* parts) {
  const LongConvParams<T, S>& p = grad.forward;
  ICL_DYNAMIC_SHARED(S, shared);
  S* const r = shared;
  S* const u = shared + padded_rows(p.length) * kLanes;
  const int length = static_cast<int>(p.length);
  const int64_t tiles = ceil_div(p.channels, 32), stretches = ceil_div(p.length, kWarps * kOut);
  const int64_t h0 = blockIdx.x % tiles * 32, part = blockIdx.x / (tiles * stretches);
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  const int64_t h = h0 + lane;
  const int l0 = (static_cast<int>(blockIdx.x / tiles % stretches) * kWarps + warp) * kOut;
  const int64_t begin = part * kBatchPart;
  const int64_t end = begin + kBatchPart < p.batch ? begin + kBatchPart : p.batch;
  S sums[kOut] = {};
  for (int64_t b = begin; b < end; ++b) {
    __syncthreads();
    stage_sequence(r, grad.dy, grad.dy_stride, b, p.length, h, p.channels, true);
    stage_sequence(u, p.u, p.u_stride, b, p.length, h, p.channels, false);
    __syncthreads();
    if (l0 >= length) continue;  // whole warps
    slide(sums, r + kOut * kLanes + lane, u + kOut * kLanes + lane, l0,
          l0 + kOut - 1 < length ? l0 + kOut - 1 : length - 1);
  }
  if (h >= p.channels) return;
#pragma unroll
  for (int o = 0; o < kOut; ++o) {
    if (l0 + o < length) {
      parts[(part * p.channels + h) * p.length + length - 1 - (l0 + o)] = sums[o];
    }
  }
}

// dD[h] = sum_l dy[l] u[l], which is dk[h, 0].
template <class S>
__global__ void skip_grad_kernel(const S* dk, S* dD, int64_t channels, int64_t length) {
  const int64_t h = int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (h < channels) dD[h] = length > 0 ? dk[h * length] : S(0);
}

template <class S>
size_t shared_bytes(int64_t rows) {
  return static_cast<size_t>(rows) * kLanes * sizeof(S);
}
constexpr int kTooLong = 1;  // cudaErrorInvalidValue

}  // namespace

template <class T, class S>
int long_conv(const LongConvParams<T, S>& p, Stream stream) {
  if (p.length > long_conv_longest<S>()) return kTooLong;
  if (p.batch * p.channels * p.length == 0) return 0;
  return launch(convolve_kernel<T, S>, blocks_1d(p.batch * ceil_div(p.channels, 32)), kThreads,
                shared_bytes<S>(p.length + padded_rows(p.length)), stream, p, false);
}

template <class T, class S>
int64_t long_conv_grad_workspace(const LongConvGradParams<T, S>& grad) {
  const LongConvParams<T, S>& p = grad.forward;
  return ceil_div(p.batch, kBatchPart) * p.channels * p.length;
}

template <class T, class S>
int long_conv_grad(const LongConvGradParams<T, S>& grad, S* workspace, Stream stream) {
  const LongConvParams<T, S>& p = grad.forward;
  if (p.length > long_conv_longest<S>()) return kTooLong;
  const int64_t tiles = ceil_div(p.channels, 32), parts = ceil_div(p.batch, kBatchPart);
  int error = 0;
  if (p.batch * p.channels * p.length > 0) {
    LongConvParams<T, S> back = p;
    back.u = grad.dy;
    back.u_stride = grad.dy_stride;
    back.y = grad.du;
    error = launch(convolve_kernel<T, S>, blocks_1d(p.batch * tiles), kThreads,
                   shared_bytes<S>(p.length + padded_rows(p.length)), stream, back, true);
    if (error != 0) return error;
    error = launch(filter_grad_kernel<T, S>,
                   blocks_1d(parts * ceil_div(p.length, kWarps * kOut) * tiles), kThreads,
                   shared_bytes<S>(2 * padded_rows(p.length)), stream, grad, workspace);
  }
  if (error == 0) error = sum_rows<S>(workspace, grad.dk, 1, parts, p.channels * p.length, stream);
  if (error != 0 || grad.dD == nullptr || p.channels == 0) return error;
  return launch(skip_grad_kernel<S>, blocks_1d(ceil_div(p.channels, kThreads)), kThreads, 0, stream,
                static_cast<const S*>(grad.dk), grad.dD, p.channels, p.length);
}

#define ICL_INSTANTIATE(T, S)                                                 \
  template int long_conv(const LongConvParams<T, S>&, Stream);                \
  template int64_t long_conv_grad_workspace(const LongConvGradParams<T, S>&); \
  template int long_conv_grad(const LongConvGradParams<T, S>&, S*, Stream);
ICL_FOR_KERNEL_TYPES(ICL_INSTANTIATE)
#undef ICL_INSTANTIATE

}  // namespace icl::kernels
