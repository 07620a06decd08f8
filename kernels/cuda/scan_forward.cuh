// SPDX-License-Identifier: Apache-2.0
//
// Selective scan, forward. LANES lanes share a channel and hold NS of its states each in registers,
// walking through time; lanes next to each other hold neighbouring channels, so that rows of u,
// delta, z and y are read and written whole. B and C pass through shared memory, two tiles in turn.
//
// Bound: at N = 16 in float32 about even between memory (5 elements per channel and step), the
// special function unit (N + 3 exponentials and reciprocals) and instruction issue (10.1 N).
//
// Surprise: with LANES > 1 a lane also owns every fourth time step: it alone reads u, delta and z
// of that step, evaluates softplus and gate, and ends up with the step's sum over states. The sums
// of four steps are exchanged together, 3 shuffles instead of 8. Steps past the end have
// dt = 0, which leaves the state as it is, so that no lane ever leaves a shuffle.
#pragma once

#include "kernels/cuda/scan_stage.cuh"
#include "kernels/selective_scan.h"

namespace icl::kernels {

constexpr int kScanThreads = 128;

template <class S, int NS, int LANES>
struct ScanShape {
  static constexpr int kStates = NS * LANES;
  static constexpr int kChannels = kScanThreads / LANES;
  // Steps staged at once: 32 KiB for both buffers of B and C, the most that still allows several
  // blocks on a multiprocessor.
  static constexpr int kFit = 32768 / (4 * kStates * int(sizeof(S)));
  static constexpr int kTile = kFit < 32 ? kFit : 32;
  static constexpr int kSub = LANES == 1 ? 1 : 4;     // steps side by side in lanes
  static constexpr int kWanted = LANES == 1 ? 8 : 4;  // reads in flight per lane
  static constexpr int kSlots = kTile / kSub < kWanted ? kTile / kSub : kWanted;
  static constexpr int kGroup = kSlots * kSub;
  static constexpr int kTileElements = kTile * 2 * kStates;
};

// Where a chunk starts: carry [B, chunks, I, N], or the initial state if there is one chunk.
template <class S>
struct ScanChunks {
  int64_t count, length;
  const S* carry;
};

// Over lanes 0..3 of every four, sums value[s] and leaves the sum of value[lane] in each lane;
// lanes further apart (LANES = 16) hold other states and are added too.
template <int LANES, class S>
__device__ __forceinline__ S sum_over_lanes(const S* value, int lane) {
  if constexpr (LANES == 1) {
    return value[0];
  } else {
    const bool high = lane & 2, odd = lane & 1;
    S a = high ? value[2] : value[0], b = high ? value[3] : value[1];
    a += __shfl_xor_sync(kAllLanes, high ? value[0] : value[2], 2);
    b += __shfl_xor_sync(kAllLanes, high ? value[1] : value[3], 2);
    S sum = odd ? b : a;
    sum += __shfl_xor_sync(kAllLanes, odd ? a : b, 1);
#pragma unroll
    for (int bits = 4; bits < LANES; bits <<= 1) sum += __shfl_xor_sync(kAllLanes, sum, bits);
    return sum;
  }
}

// The rows of one argument that a lane reads, one after the other.
template <class T>
struct RowReader {
  const T* at;
  int64_t step;  // to the lane's next row
  __device__ __forceinline__ auto next() {
    const T* here = at;
    at += step;
    return here;
  }
};

template <class T, class S, int NS, int LANES>
__global__ void __launch_bounds__(kScanThreads, sizeof(S) == 8    ? 1
                                                : NS * LANES > 32 ? 2
                                                                  : 3)
    scan_forward_kernel(SelectiveScanParams<T, S> p, ScanChunks<S> chunks) {
  using Shape = ScanShape<S, NS, LANES>;
  constexpr int kSub = Shape::kSub, kSlots = Shape::kSlots, kGroup = Shape::kGroup;
  constexpr int kSegment = kScanSegment<S>;
  static_assert(kGroup % kSegment == 0, "states are saved at known places of a group");
  ICL_DYNAMIC_SHARED(S, staged);

  const int64_t tiles = ceil_div(p.width, Shape::kChannels);
  const int64_t b = blockIdx.x / (tiles * chunks.count);
  const int64_t chunk = blockIdx.x / tiles % chunks.count;
  const int lane = threadIdx.x % 32, sub = lane % kSub;
  const int n0 = threadIdx.x % LANES * NS, n_left = static_cast<int>(p.n_state) - n0;
  const int64_t channel = blockIdx.x % tiles * Shape::kChannels + threadIdx.x / LANES;
  const bool active = channel < p.width;
  const int64_t i = active ? channel : p.width - 1;  // the others work along and write nothing
  const int64_t begin = chunk * chunks.length, row0 = b * p.length + begin;
  const int steps =
      static_cast<int>(begin + chunks.length < p.length ? chunks.length : p.length - begin);
  const bool states_in_fours = p.n_state % 4 == 0;

  S A[NS], h[NS];
  load_values<NS>(A, p.A + i * p.n_state + n0, n_left, states_in_fours);
  const int64_t states = p.width * p.n_state, place = i * p.n_state + n0;
  const S* start = nullptr;
  if (chunks.carry != nullptr) {
    start = chunks.carry + (b * chunks.count + chunk) * states + place;
  } else if (p.initial_state != nullptr) {
    start = p.initial_state + b * states + place;
  }
  load_values<NS>(h, start, start != nullptr ? n_left : 0, false);
  const S skip = p.D != nullptr ? p.D[i] : S(0);
  const S bias = p.delta_bias != nullptr ? p.delta_bias[i] : S(0);
  const bool gated = p.z != nullptr;

  const bool B_in_fours = rows_in_fours(p.B, p.B_stride, p.n_state);
  const bool C_in_fours = rows_in_fours(p.C, p.C_stride, p.n_state);
  const auto stage = [&](int t, int buffer) {
    S* to = staged + buffer * Shape::kTileElements;
    stage_rows<Shape::kTile, Shape::kStates>(to, 2 * Shape::kStates, p.B + (row0 + t) * p.B_stride,
                                             p.B_stride, steps - t, p.n_state, B_in_fours);
    stage_rows<Shape::kTile, Shape::kStates>(to + Shape::kStates, 2 * Shape::kStates,
                                             p.C + (row0 + t) * p.C_stride, p.C_stride, steps - t,
                                             p.n_state, C_in_fours);
  };
  // Every lane reads each kSub-th row.
  const auto reader = [&](const T* rows, int64_t stride) {
    return RowReader<T>{rows + (row0 + sub) * stride + i, kSub * stride};
  };
  RowReader<T> us = reader(p.u, p.u_stride), deltas = reader(p.delta, p.delta_stride),
               zs = gated ? reader(p.z, p.z_stride) : us;  // without a gate, anything
  S u_next[kSlots] = {}, delta_next[kSlots] = {}, z_next[kSlots] = {};
  int coming = sub;
  const auto fetch = [&] {
#pragma unroll
    for (int r = 0; r < kSlots; ++r, coming += kSub) {
      const T *u = us.next(), *delta = deltas.next(), *z = zs.next();
      if (coming >= steps) continue;
      u_next[r] = widen(*u);
      delta_next[r] = widen(*delta);
      z_next[r] = widen(*z);
    }
  };
  const bool saves = active && p.saved != nullptr;
  const int64_t segment = b * ceil_div(p.length, kSegment) + begin / kSegment;
  S* saved_at = saves ? p.saved + segment * states + place : nullptr;
  // With 16 lanes four of them hold the same sum; the first four write.
  const bool writes = active && threadIdx.x % LANES < kSub;
  T* y_at = p.y + (row0 + sub) * p.width + i;

  stage(0, 0);
  fetch();
  int buffer = 0;
  for (int tile = 0; tile < steps; tile += Shape::kTile, buffer ^= 1) {
    wait_for_copies();
    __syncthreads();  // this tile is there, and nobody reads the other buffer any more
    if (tile + Shape::kTile < steps) stage(tile + Shape::kTile, buffer ^ 1);
    const int tile_end = tile + Shape::kTile < steps ? tile + Shape::kTile : steps;
    const S* row = staged + buffer * Shape::kTileElements + n0;

    for (int t0 = tile; t0 < tile_end; t0 += kGroup, row += kGroup * 2 * Shape::kStates) {
      S dt[kSlots], u[kSlots], z[kSlots];
#pragma unroll
      for (int r = 0; r < kSlots; ++r) {
        S x = delta_next[r] + bias;
        if (p.delta_softplus) x = softplus(x).value;
        // Steps past the end leave the state as it is.
        dt[r] = kSub == 1 || t0 + r * kSub + sub < steps ? x : S(0);
        u[r] = u_next[r];
        z[r] = z_next[r];
      }
      fetch();

#pragma unroll
      for (int r = 0; r < kSlots; ++r) {
        const int t = t0 + r * kSub;
        if (t >= tile_end) break;
        if (r * kSub % kSegment == 0 && saves) {
          store_values<NS>(saved_at, h, n_left, states_in_fours);
          saved_at += states;
        }
        const S dtu = dt[r] * u[r];
        S part[kSub];
#pragma unroll
        for (int s = 0; s < kSub; ++s) {
          S dt_s = dt[r], dtu_s = dtu;
          if constexpr (LANES > 1) {
            const int from = (lane & ~3) | s;
            dt_s = __shfl_sync(kAllLanes, dt[r], from);
            dtu_s = __shfl_sync(kAllLanes, dtu, from);
          }
          const S* BC = row + (r * kSub + s) * 2 * Shape::kStates;
          // To base 2 by dt and not by A: A's rounding would add up over all steps.
          const S rate = dt_s * S(kLog2E);
          S y = 0;
#pragma unroll
          for (int n = 0; n < NS; n += 4) {
            const Vec4<S> B = *reinterpret_cast<const Vec4<S>*>(BC + n);
            const Vec4<S> C = *reinterpret_cast<const Vec4<S>*>(BC + Shape::kStates + n);
#pragma unroll
            for (int m = 0; m < 4; ++m) {
              h[n + m] = exp2_of(rate * A[n + m]) * h[n + m] + dtu_s * B.v[m];
              y += C.v[m] * h[n + m];
            }
          }
          part[s] = y;
        }
        const S sum = sum_over_lanes<LANES>(part, lane) + skip * u[r];
        if (writes && (kSub == 1 || t + sub < steps)) {
          *y_at = Narrow<T>::from(gated ? sum * (z[r] * sigmoid(z[r])) : sum);
        }
        y_at += kSub * p.width;
      }
    }
  }
  if (!active || p.last_state == nullptr || chunk != chunks.count - 1) return;
  store_values<NS>(p.last_state + b * states + place, h, n_left, states_in_fours);
}

template <class T, class S, int NS, int LANES>
int launch_scan_forward(const SelectiveScanParams<T, S>& p, const ScanChunks<S>& chunks,
                        cudaStream_t stream) {
  using Shape = ScanShape<S, NS, LANES>;
  const int64_t blocks = p.batch * chunks.count * ceil_div(p.width, Shape::kChannels);
  return launch(scan_forward_kernel<T, S, NS, LANES>, blocks_1d(blocks), kScanThreads,
                2 * Shape::kTileElements * sizeof(S), stream, p, chunks);
}

}  // namespace icl::kernels
