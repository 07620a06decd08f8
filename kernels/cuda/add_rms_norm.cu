// SPDX-License-Identifier: Apache-2.0
//
// Residual addition and RMSNorm in one pass, forward and backward. A warp takes a row.
//
// Bound: memory. Forward 4 elements per element (x, residual; sum, normed), backward 4.
// Surprise: each lane reads back the sums it wrote itself, from cache, instead of holding the row
// in registers: any width works, with one kernel.
#include "kernels/add_rms_norm.h"
#include "kernels/cuda/sum_rows.cuh"

namespace icl::kernels {
namespace {

constexpr int kWarps = 4;          // rows of a block
constexpr int64_t kPartRows = 64;  // rows summed by one thread for dweight

__device__ __forceinline__ float root(float x) {
  return sqrtf(x);
}
__device__ __forceinline__ double root(double x) {
  return sqrt(x);
}

template <class S>
__device__ __forceinline__ S inverse_rms(S sum_of_squares, int64_t width, double eps) {
  return S(1) / root(sum_of_squares / S(width) + S(eps));
}

// store(m, load(m)) for m = lane, lane + 32, ...: four loads before their stores, which otherwise
// would wait for one another, as the compiler cannot know that they go elsewhere.
template <class Load, class Store>
__device__ __forceinline__ void by_fours(int lane, int64_t width, const Load& load,
                                         const Store& store) {
  int64_t m = lane;
  for (; m + 96 < width; m += 128) {
    const auto a = load(m), b = load(m + 32), c = load(m + 64), d = load(m + 96);
    store(m, a), store(m + 32, b), store(m + 64, c), store(m + 96, d);
  }
  for (; m < width; m += 32) store(m, load(m));
}

template <class T, class S>
__global__ void forward_kernel(AddRmsNormParams<T, S> p) {
  const int lane = threadIdx.x % 32;
  const int64_t row = int64_t{blockIdx.x} * kWarps + threadIdx.x / 32;
  if (row >= p.rows) return;  // whole warps
  const int64_t start = row * p.width;
  S squares = 0;
  by_fours(
      lane, p.width,
      [&](int64_t m) {
        const S x = widen(p.x[start + m]);
        return p.residual != nullptr ? x + p.residual[start + m] : x;
      },
      [&](int64_t m, S sum) {
        p.sum[start + m] = sum;
        squares += sum * sum;
      });
  const S scale = inverse_rms(warp_sum(squares), p.width, p.eps);
  by_fours(
      lane, p.width, [&](int64_t m) { return p.sum[start + m] * scale * p.weight[m]; },
      [&](int64_t m, S normed) { p.normed[start + m] = Narrow<T>::from(normed); });
}

// dx = scale w dn - sum scale^3 / M <w dn, sum> + dsum; the scales are left for dweight.
template <class T, class S>
__global__ void backward_kernel(AddRmsNormGradParams<T, S> p, S* scales) {
  const int lane = threadIdx.x % 32;
  const int64_t row = int64_t{blockIdx.x} * kWarps + threadIdx.x / 32;
  if (row >= p.rows) return;
  const int64_t start = row * p.width;
  S squares = 0, product = 0;
#pragma unroll 4
  for (int64_t m = lane; m < p.width; m += 32) {
    const S sum = p.sum[start + m];
    squares += sum * sum;
    product += sum * widen(p.dnormed[start + m]) * p.weight[m];
  }
  squares = warp_sum(squares);
  product = warp_sum(product);
  const S scale = inverse_rms(squares, p.width, p.eps);
  const S along = product * scale * scale * scale / S(p.width);
  if (lane == 0) scales[row] = scale;
  by_fours(
      lane, p.width,
      [&](int64_t m) {
        const S dx = scale * p.weight[m] * widen(p.dnormed[start + m]) - along * p.sum[start + m];
        return p.dsum != nullptr ? dx + p.dsum[start + m] : dx;
      },
      [&](int64_t m, S dx) { p.dx[start + m] = dx; });
}

template <class T, class S>
__global__ void dweight_kernel(AddRmsNormGradParams<T, S> p, const S* scales, S* parts) {
  const int64_t tiles = ceil_div(p.width, blockDim.x);
  const int64_t m = blockIdx.x % tiles * blockDim.x + threadIdx.x, part = blockIdx.x / tiles;
  if (m >= p.width) return;
  const int64_t begin = part * kPartRows;
  const int64_t end = begin + kPartRows < p.rows ? begin + kPartRows : p.rows;
  S sum = 0;
#pragma unroll 4
  for (int64_t row = begin; row < end; ++row) {
    sum += widen(p.dnormed[row * p.width + m]) * (p.sum[row * p.width + m] * scales[row]);
  }
  parts[part * p.width + m] = sum;
}

}  // namespace

template <class T, class S>
int add_rms_norm(const AddRmsNormParams<T, S>& p, Stream stream) {
  if (p.rows * p.width == 0) return 0;
  return launch(forward_kernel<T, S>, blocks_1d(ceil_div(p.rows, kWarps)), kWarps * 32, 0, stream,
                p);
}

template <class T, class S>
int64_t add_rms_norm_grad_workspace(const AddRmsNormGradParams<T, S>& p) {
  return p.rows + ceil_div(p.rows, kPartRows) * p.width;
}

template <class T, class S>
int add_rms_norm_grad(const AddRmsNormGradParams<T, S>& p, S* workspace, Stream stream) {
  S* const scales = workspace;
  S* const parts = workspace + p.rows;
  const int64_t n_parts = ceil_div(p.rows, kPartRows);
  int error = 0;
  if (p.rows * p.width > 0) {
    error = launch(backward_kernel<T, S>, blocks_1d(ceil_div(p.rows, kWarps)), kWarps * 32, 0,
                   stream, p, scales);
    if (error != 0) return error;
    constexpr int kThreads = 128;
    error = launch(dweight_kernel<T, S>, blocks_1d(n_parts * ceil_div(p.width, kThreads)), kThreads,
                   0, stream, p, static_cast<const S*>(scales), parts);
    if (error != 0) return error;
  }
  return sum_rows<S>(parts, p.dweight, 1, n_parts, p.width, stream);
}

#define ICL_INSTANTIATE(T, S)                                                      \
  template int add_rms_norm(const AddRmsNormParams<T, S>&, Stream);                \
  template int64_t add_rms_norm_grad_workspace(const AddRmsNormGradParams<T, S>&); \
  template int add_rms_norm_grad(const AddRmsNormGradParams<T, S>&, S*, Stream);
ICL_FOR_KERNEL_TYPES(ICL_INSTANTIATE)
#undef ICL_INSTANTIATE

}  // namespace icl::kernels
