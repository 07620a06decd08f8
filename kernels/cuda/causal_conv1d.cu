// SPDX-License-Identifier: Apache-2.0
//
// Causal depthwise convolution with bias and SiLU. A thread takes one channel and a strip of time,
// with a window of past rows in registers; lanes are neighbouring channels.
//
// Bound: memory. Forward 2 elements per channel and step, backward 3, and 1 + (taps - 1) / strip
// times the reads of x and dy, mostly from cache.
//
// Surprise: the backward pass recomputes the sum before SiLU instead of keeping it, also for the
// taps - 1 steps after its strip, so that strips need nothing of each other. Filters are padded in
// front to 4, 16 or 64 taps; a padded tap is skipped, not multiplied by zero, as a NaN further back
// must not leak in.
#include "kernels/causal_conv1d.h"
#include "kernels/cuda/sum_rows.cuh"

namespace icl::kernels {
namespace {

constexpr int kThreads = 128;
// Long enough to repay reading the taps - 1 rows before a strip, short enough for many threads.
constexpr int64_t kStrip = 32;
// Rows read together: so many reads are under way at once.
constexpr int kGroup = 8;
// Loops over more taps than this stay loops, and their arrays out of registers: there are too few.
__host__ __device__ constexpr int unrolled(int taps) {
  return taps <= 16 ? taps : 1;
}

// x[b, t, i], reaching into the initial state before the first step.
template <class T, class S>
__device__ __forceinline__ S input_at(const CausalConv1dParams<T, S>& p, int64_t b, int64_t t,
                                      int64_t i) {
  if (t >= 0) return t < p.length ? widen(p.x[(b * p.length + t) * p.x_stride + i]) : S(0);
  const int64_t row = t + p.taps - 1;
  if (p.initial_state == nullptr || row < 0) return S(0);
  return widen(p.initial_state[(b * (p.taps - 1) + row) * p.width + i]);
}

template <int kTaps, class S>
__device__ __forceinline__ void push(S (&window)[kTaps], S value) {
#pragma unroll unrolled(kTaps)
  for (int j = 0; j + 1 < kTaps; ++j) window[j] = window[j + 1];
  window[kTaps - 1] = value;
}

template <int kTaps, class T, class S>
__device__ __forceinline__ void load_filter(S (&weight)[kTaps], const CausalConv1dParams<T, S>& p,
                                            int64_t i) {
#pragma unroll unrolled(kTaps)
  for (int j = 0; j < kTaps; ++j) {
    const int64_t tap = j - (kTaps - p.taps);
    weight[j] = tap >= 0 ? p.weight[i * p.taps + tap] : S(0);
  }
}

template <int kTaps, class S>
__device__ __forceinline__ S convolve(const S (&window)[kTaps], const S (&weight)[kTaps], S bias,
                                      int taps) {
  S sum = bias;
#pragma unroll unrolled(kTaps)
  for (int j = 0; j < kTaps; ++j) {
    if (j >= kTaps - taps) sum += window[j] * weight[j];
  }
  return sum;
}

template <int kTaps, class T, class S>
__global__ void forward_kernel(CausalConv1dParams<T, S> p) {
  const int64_t tiles = ceil_div(p.width, kThreads), strips = ceil_div(p.length, kStrip);
  const int64_t i = blockIdx.x % tiles * kThreads + threadIdx.x;
  const int64_t begin = blockIdx.x / tiles % strips * kStrip, b = blockIdx.x / (tiles * strips);
  if (i >= p.width) return;
  const int64_t end = begin + kStrip < p.length ? begin + kStrip : p.length;
  S weight[kTaps], window[kTaps];
  load_filter(weight, p, i);
  const S bias = p.bias != nullptr ? p.bias[i] : S(0);
#pragma unroll unrolled(kTaps)
  for (int j = 0; j < kTaps; ++j) window[j] = input_at(p, b, begin + j - kTaps, i);
  const T* x_at = p.x + (b * p.length + begin) * p.x_stride + i;
  T* y_at = p.y + (b * p.length + begin) * p.width + i;
  for (int left = static_cast<int>(end - begin); left > 0; left -= kGroup) {
    S x[kGroup];
#pragma unroll
    for (int r = 0; r < kGroup; ++r, x_at += p.x_stride) {
      if (r < left) x[r] = widen(*x_at);
    }
#pragma unroll
    for (int r = 0; r < kGroup; ++r, y_at += p.width) {
      if (r >= left) break;
      push(window, x[r]);
      S y = convolve(window, weight, bias, static_cast<int>(p.taps));
      if (p.silu) y *= sigmoid(y);
      *y_at = Narrow<T>::from(y);
    }
  }
}

// Parts of dweight and dbias: parts[(b, strip), i, taps + 1]. A strip covers inputs; virtual time
// starts taps - 1 before the sequence, where the initial state is.
template <int kTaps, class T, class S>
__global__ void backward_kernel(CausalConv1dGradParams<T, S> grad, S* parts) {
  const CausalConv1dParams<T, S>& p = grad.forward;
  const int taps = static_cast<int>(p.taps);
  const int64_t tiles = ceil_div(p.width, kThreads);
  const int64_t strips = ceil_div(p.length + taps - 1, kStrip);
  const int64_t i = blockIdx.x % tiles * kThreads + threadIdx.x;
  const int64_t strip = blockIdx.x / tiles % strips, b = blockIdx.x / (tiles * strips);
  if (i >= p.width) return;
  const int64_t begin = strip * kStrip - (taps - 1);
  const int64_t end = begin + kStrip < p.length ? begin + kStrip : p.length;

  S weight[kTaps], front[kTaps];  // the filter padded in front, and behind
  S window[kTaps], slopes[kTaps], dweight[kTaps], dbias = 0;
  load_filter(weight, p, i);
  const S bias = p.bias != nullptr ? p.bias[i] : S(0);
#pragma unroll unrolled(kTaps)
  for (int j = 0; j < kTaps; ++j) {
    window[j] = input_at(p, b, begin + j - kTaps, i);
    slopes[j] = dweight[j] = S(0);
    front[j] = j < taps ? p.weight[i * taps + j] : S(0);
  }
  // Steps counted from `begin`: the sequence's first, those of the strip, where reading stops and
  // where the sequence does before. At n the gradient of the sum of step n is known, so that of x
  // at n - (taps - 1) is complete.
  const int first = begin < 0 ? static_cast<int>(-begin) : 0;
  const int own = static_cast<int>(end - begin), stop = own + taps - 1;
  const int past = p.length - begin < stop ? static_cast<int>(p.length - begin) : stop;
  const int64_t row = b * p.length + begin;
  const T *x_at = p.x + row * p.x_stride + i, *dy_at = grad.dy + row * grad.dy_stride + i;
  T* dx_at = grad.dx + (row - (taps - 1)) * p.width + i;
  for (int n0 = 0; n0 < stop; n0 += kGroup) {
    S x[kGroup], dy[kGroup];
#pragma unroll
    for (int r = 0; r < kGroup; ++r, x_at += p.x_stride, dy_at += grad.dy_stride) {
      const int n = n0 + r;
      x[r] = dy[r] = S(0);
      if (n >= first && n < past) {
        x[r] = widen(*x_at);
        dy[r] = widen(*dy_at);
      } else if (n < first) {
        x[r] = input_at(p, b, begin + n, i);
      }
    }
#pragma unroll
    for (int r = 0; r < kGroup; ++r, dx_at += p.width) {
      const int n = n0 + r;
      if (n >= stop) break;
      push(window, x[r]);
      S slope = dy[r];
      if (p.silu) {
        const S sum = convolve(window, weight, bias, taps);
        slope *= silu_slope(sum, sigmoid(sum));
      }
      // Before the sequence and after it there is no y: no NaN of x may come in by one.
      if (n < first || n >= past) slope = S(0);
      push(slopes, slope);
      if (n < own) {
        dbias += slope;
#pragma unroll unrolled(kTaps)
        for (int j = 0; j < kTaps; ++j) {
          if (j >= kTaps - taps) dweight[j] += slope * window[j];
        }
      }
      const int source = n - (taps - 1);
      if (source < 0) continue;
      // Real tap j met x of this step at step n - j.
      S dx = 0;
#pragma unroll unrolled(kTaps)
      for (int j = 0; j < kTaps; ++j) {
        if (j < taps) dx += front[j] * slopes[kTaps - 1 - j];
      }
      if (source >= first) {
        *dx_at = Narrow<T>::from(dx);
      } else if (grad.dinitial_state != nullptr) {
        const int64_t state = b * (taps - 1) + begin + source + taps - 1;
        grad.dinitial_state[state * p.width + i] = Narrow<T>::from(dx);
      }
    }
  }
  S* const part = parts + ((b * strips + strip) * p.width + i) * (taps + 1);
#pragma unroll unrolled(kTaps)
  for (int j = 0; j < kTaps; ++j) {
    if (j >= kTaps - taps) part[j - (kTaps - taps)] = dweight[j];
  }
  part[taps] = dbias;
}

template <class S>
__global__ void split_kernel(const S* both, S* dweight, S* dbias, int64_t width, int64_t taps) {
  const int64_t e = int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  const int64_t i = e / (taps + 1), j = e % (taps + 1);
  if (i >= width) return;
  if (j < taps) {
    dweight[i * taps + j] = both[e];
  } else if (dbias != nullptr) {
    dbias[i] = both[e];
  }
}

template <class T, class S>
int64_t part_rows(const CausalConv1dParams<T, S>& p) {
  return p.length > 0 ? p.batch * ceil_div(p.length + p.taps - 1, kStrip) : 0;
}

}  // namespace

template <class T, class S>
int causal_conv1d(const CausalConv1dParams<T, S>& p, Stream stream) {
  const int64_t blocks = p.batch * ceil_div(p.length, kStrip) * ceil_div(p.width, kThreads);
  if (blocks == 0) return 0;
  const auto run = [&](auto kernel) {
    return launch(kernel, blocks_1d(blocks), kThreads, 0, stream, p);
  };
  if (p.taps <= 4) return run(forward_kernel<4, T, S>);
  if (p.taps <= 16) return run(forward_kernel<16, T, S>);
  return run(forward_kernel<64, T, S>);
}

template <class T, class S>
int64_t causal_conv1d_grad_workspace(const CausalConv1dGradParams<T, S>& grad) {
  return (part_rows(grad.forward) + 1) * grad.forward.width * (grad.forward.taps + 1);
}

template <class T, class S>
int causal_conv1d_grad(const CausalConv1dGradParams<T, S>& grad, S* workspace, Stream stream) {
  const CausalConv1dParams<T, S>& p = grad.forward;
  const int64_t rows = part_rows(p), columns = p.width * (p.taps + 1);
  const int64_t blocks = rows * ceil_div(p.width, kThreads);
  S* const sums = workspace + rows * columns;
  const auto run = [&](auto kernel) {
    return launch(kernel, blocks_1d(blocks), kThreads, 0, stream, grad, workspace);
  };
  int error = 0;
  if (blocks > 0) {
    error = p.taps <= 4    ? run(backward_kernel<4, T, S>)
            : p.taps <= 16 ? run(backward_kernel<16, T, S>)
                           : run(backward_kernel<64, T, S>);
  }
  if (error == 0) error = sum_rows<S>(workspace, sums, 1, rows, columns, stream);
  if (error != 0 || columns == 0) return error;
  return launch(split_kernel<S>, blocks_1d(ceil_div(columns, kThreads)), kThreads, 0, stream,
                static_cast<const S*>(sums), grad.dweight, grad.dbias, p.width, p.taps);
}

#define ICL_INSTANTIATE(T, S)                                                         \
  template int causal_conv1d(const CausalConv1dParams<T, S>&, Stream);                \
  template int64_t causal_conv1d_grad_workspace(const CausalConv1dGradParams<T, S>&); \
  template int causal_conv1d_grad(const CausalConv1dGradParams<T, S>&, S*, Stream);
ICL_FOR_KERNEL_TYPES(ICL_INSTANTIATE)
#undef ICL_INSTANTIATE

}  // namespace icl::kernels
