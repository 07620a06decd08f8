// SPDX-License-Identifier: Apache-2.0
//
// Cuts a scan in time. Pass 1 walks each chunk alone from a zero state; pass 2 goes over the chunks
// in order and turns their end states into start states; then the ordinary kernel works on all
// chunks at once. Forward the state is carried, backward its gradient:
//
//   forward   h <- exp(dt A) h + dt u B       from the chunk's first step to its last
//   backward  g <- exp(dt A) (g + dy C)       from the last to the first (dy before the gate)
//
// Bound: as the forward kernel, without y and C.
// Surprise: a chunk's whole decay is exp(A sum of dt), one exponential for each state, so that
// pass 1 keeps no products.
#pragma once

#include "kernels/cuda/scan_forward.cuh"

namespace icl::kernels {

// What is carried backward comes from dy (and the gate z), forward from u. `walked` [B, chunks, I,
// N] and `sums` [B, chunks, I] are written.
template <class T, class S>
struct ChunkWalk {
  const T* dy;
  int64_t dy_stride;
  int64_t chunks, chunk_length;
  S* walked;
  S* sums;
};

template <class T, class S, int NS, int LANES, bool kBackward>
__global__ void __launch_bounds__(kScanThreads)
    chunk_walk_kernel(SelectiveScanParams<T, S> p, ChunkWalk<T, S> walk) {
  using Shape = ScanShape<S, NS, LANES>;
  static_assert(LANES > 1, "only scans too small for one lane a channel are cut");
  constexpr int kSlots = Shape::kSlots, kGroup = Shape::kGroup;
  ICL_DYNAMIC_SHARED(S, staged);  // two tiles of B (backward of C)

  const int64_t tiles = ceil_div(p.width, Shape::kChannels);
  const int64_t b = blockIdx.x / (tiles * walk.chunks);
  const int64_t chunk = blockIdx.x / tiles % walk.chunks;
  const int lane = threadIdx.x % 32, sub = lane % 4;
  const int n0 = threadIdx.x % LANES * NS, n_left = static_cast<int>(p.n_state) - n0;
  const int64_t channel = blockIdx.x % tiles * Shape::kChannels + threadIdx.x / LANES;
  const bool active = channel < p.width;
  const int64_t i = active ? channel : p.width - 1;  // the others work along and write nothing
  const int64_t begin = chunk * walk.chunk_length;
  const int steps =
      static_cast<int>(begin + walk.chunk_length < p.length ? walk.chunk_length : p.length - begin);
  // Step q of the walk is row first + q * direction of [B, L].
  const int direction = kBackward ? -1 : 1;
  const int64_t first = b * p.length + begin + (kBackward ? steps - 1 : 0);
  const bool in_fours = p.n_state % 4 == 0, gated = kBackward && p.z != nullptr;

  S A[NS], h[NS] = {}, sum = 0;
  load_values<NS>(A, p.A + i * p.n_state + n0, n_left, in_fours);
  const S bias = p.delta_bias != nullptr ? p.delta_bias[i] : S(0);

  const T* factors = kBackward ? p.C : p.B;
  const int64_t stride = (kBackward ? p.C_stride : p.B_stride) * direction;
  const bool factors_in_fours = rows_in_fours(factors, stride, p.n_state);
  factors += first * (kBackward ? p.C_stride : p.B_stride);
  const auto stage = [&](int q, int buffer) {
    stage_rows<Shape::kTile, Shape::kStates>(
        staged + buffer * Shape::kTile * Shape::kStates, Shape::kStates, factors + q * stride,
        stride, steps - q, static_cast<int>(p.n_state), factors_in_fours);
  };
  const auto reader = [&](const T* rows, int64_t row_stride) {
    return RowReader<T>{rows + (first + sub * direction) * row_stride + i,
                        4 * direction * row_stride};
  };
  RowReader<T> deltas = reader(p.delta, p.delta_stride),
               inputs = kBackward ? reader(walk.dy, walk.dy_stride) : reader(p.u, p.u_stride),
               zs = gated ? reader(p.z, p.z_stride) : deltas;  // without a gate, anything
  S delta_next[kSlots] = {}, input_next[kSlots] = {}, z_next[kSlots] = {};
  int coming = sub;
  const auto fetch = [&] {
#pragma unroll
    for (int r = 0; r < kSlots; ++r, coming += 4) {
      const T *delta = deltas.next(), *input = inputs.next(), *z = zs.next();
      if (coming >= steps) continue;
      delta_next[r] = widen(*delta);
      input_next[r] = widen(*input);
      if constexpr (kBackward) z_next[r] = widen(*z);
    }
  };

  stage(0, 0);
  fetch();
  int buffer = 0;
  for (int tile = 0; tile < steps; tile += Shape::kTile, buffer ^= 1) {
    wait_for_copies();
    __syncthreads();
    if (tile + Shape::kTile < steps) stage(tile + Shape::kTile, buffer ^ 1);
    const int tile_end = tile + Shape::kTile < steps ? tile + Shape::kTile : steps;
    const S* row = staged + buffer * Shape::kTile * Shape::kStates + n0;
    for (int q0 = tile; q0 < tile_end; q0 += kGroup, row += kGroup * Shape::kStates) {
      S dt[kSlots], input[kSlots];
#pragma unroll
      for (int r = 0; r < kSlots; ++r) {
        S x = delta_next[r] + bias;
        if (p.delta_softplus) x = softplus(x).value;
        // Steps past the end leave the state as it is.
        const bool real = q0 + r * 4 + sub < steps;
        dt[r] = real ? x : S(0);
        input[r] = kBackward ? input_next[r] : input_next[r] * x;
        if (gated) input[r] *= z_next[r] * sigmoid(z_next[r]);
        if (!real) input[r] = S(0);
        sum += dt[r];
      }
      fetch();
#pragma unroll
      for (int r = 0; r < kSlots; ++r) {
#pragma unroll
        for (int s = 0; s < 4; ++s) {
          const int from = (lane & ~3) | s;
          const S rate = __shfl_sync(kAllLanes, dt[r], from) * S(kLog2E);
          const S input_s = __shfl_sync(kAllLanes, input[r], from);
#pragma unroll
          for (int n = 0; n < NS; n += 4) {
            const Vec4<S> factor =
                *reinterpret_cast<const Vec4<S>*>(row + (r * 4 + s) * Shape::kStates + n);
#pragma unroll
            for (int m = 0; m < 4; ++m) {
              const S a = exp2_of(rate * A[n + m]);
              h[n + m] = kBackward ? a * (h[n + m] + input_s * factor.v[m])
                                   : a * h[n + m] + input_s * factor.v[m];
            }
          }
        }
      }
    }
  }
  sum += __shfl_xor_sync(kAllLanes, sum, 1);
  sum += __shfl_xor_sync(kAllLanes, sum, 2);
  if (!active) return;
  const int64_t place = (b * walk.chunks + chunk) * p.width + i;
  if (threadIdx.x % LANES == 0) walk.sums[place] = sum;
  store_values<NS>(walk.walked + place * p.n_state + n0, h, n_left, in_fours);
}

// Pass 2, a thread for each (b, i, n): `carry` holds what pass 1 left and then where chunks start.
template <class S>
__global__ void chunk_combine_kernel(const S* A, const S* start, const S* sums, S* carry,
                                     int64_t batch, int64_t width, int64_t n_state, int64_t chunks,
                                     bool backward) {
  const int64_t e = int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (e >= batch * width * n_state) return;
  const int64_t b = e / (width * n_state), channel_state = e % (width * n_state);
  const S rate = A[channel_state];
  S state = start != nullptr ? start[e] : S(0);
  for (int64_t step = 0; step < chunks; ++step) {
    const int64_t place = b * chunks + (backward ? chunks - 1 - step : step);
    S* slot = carry + place * width * n_state + channel_state;
    const S decay = exp2_of(rate * (sums[place * width + channel_state / n_state] * S(kLog2E)));
    const S alone = *slot;
    *slot = state;
    state = decay * state + alone;
  }
}

// Passes 1 and 2; afterwards walk.walked is what the ordinary kernel takes as carry.
template <bool kBackward, class T, class S>
int carry_over_chunks(const SelectiveScanParams<T, S>& p, const ChunkWalk<T, S>& walk,
                      const S* start, cudaStream_t stream) {
  const auto pass1 = [&](auto kernel, int channels, int tile_elements) {
    return launch(kernel, blocks_1d(p.batch * walk.chunks * ceil_div(p.width, channels)),
                  kScanThreads, tile_elements * sizeof(S), stream, p, walk);
  };
  using Small = ScanShape<S, 4, 4>;
  using Large = ScanShape<S, 16, 16>;
  const int error = p.n_state <= Small::kStates ? pass1(chunk_walk_kernel<T, S, 4, 4, kBackward>,
                                                        Small::kChannels, Small::kTileElements)
                                                : pass1(chunk_walk_kernel<T, S, 16, 16, kBackward>,
                                                        Large::kChannels, Large::kTileElements);
  if (error != 0) return error;
  constexpr int kThreads = 128;
  return launch(chunk_combine_kernel<S>,
                blocks_1d(ceil_div(p.batch * p.width * p.n_state, kThreads)), kThreads, 0, stream,
                p.A, start, static_cast<const S*>(walk.sums), walk.walked, p.batch, p.width,
                p.n_state, walk.chunks, kBackward);
}

}  // namespace icl::kernels
