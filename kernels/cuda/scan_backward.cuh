// SPDX-License-Identifier: Apache-2.0
//
// Selective scan, backward. A block takes 128 channels, a warp 32 channels by 16 states: lane
// 4 c + s holds a tile of 4 channels (from 4 c) by 4 states (from 4 s). Time is walked backward in
// segments of a few steps: the forward pass left the state before each; the block runs the segment
// forward again, keeping its states in shared memory, then backward.
//
// With g the gradient of the state after a step, a = exp(dt A), h the state before it:
//   dC += dy h', dB += g dt u            over channels: 4 in registers, 8 lanes, 4 warps, tiles
//   du  = dt sum g B, ddt = sum g (a h A + u B)                            over states: 4 x 4 lanes
//   dA += g dt a h, g <- a g
//
// Bound: instruction issue (29 instructions per element, N = 16), then shared memory.
//
// Surprise: a sum over 4 (or 8) lanes of as many values costs 3 (7) shuffles, not 8 (24): each
// round halves the values as it halves the lanes, and leaves lane l with the sum that belongs to
// channel l (state l). States beyond 16 are taken in turns of 16 within a segment, with g and dA
// waiting in scratch memory that no other thread touches.
#pragma once

#include "kernels/cuda/scan_forward.cuh"

namespace icl::kernels {

constexpr int kTurn = 16;  // states at a time

// Scratch: parts of sums over channels [B, tiles, L, 2, N], over rows r = b chunks + chunk
// [r, I, N] and [r, I], and the gradient of the state carried [r, I, N].
template <class S>
struct ScanGradScratch {
  int64_t chunks, chunk_length;
  S* carry;  // null: one chunk and one turn, so the gradient of the last state is the start
  S* dBC;
  S* dA;
  S* dD;
  S* dbias;
};

template <class S>
struct SegmentShared {
  static constexpr int K = scan_segment<S>();
  static constexpr int kRow = kScanThreads;  // one value of each channel
  // hs [K][4][threads] of Vec4; dt, dt u, dy, sum g B, sum g a h A, y [K][channels];
  // parts of dB and dC [warps][K][32]; rows of B and C [K][2][kTurn]. Under 99 KiB for any N, the
  // least that GPUs from sm_80 on offer a block.
  static constexpr int kStatesAt = 0;
  static constexpr int kRowsAt = K * 4 * kScanThreads * 4;
  static constexpr int kPartsAt = kRowsAt + 6 * K * kRow;
  static constexpr int kStagedAt = kPartsAt + 4 * K * 32;
  static constexpr size_t kBytes = (kStagedAt + K * 2 * kTurn) * sizeof(S);
  static_assert(kBytes <= 99 * 1024);
};

// Sum over four lanes of value[c]: lane c of each four gets channel c's.
template <class S>
__device__ __forceinline__ S sum_over_states(const S* value, int lane) {
  return sum_over_lanes<4>(value, lane);
}

// Sum over the eight groups of four lanes of value[j]: group j gets the sum of value[j].
template <class S>
__device__ __forceinline__ S sum_over_channels(const S* value, int lane) {
  S four[4], two[2];
  const bool b4 = lane & 16, b3 = lane & 8, b2 = lane & 4;
#pragma unroll
  for (int j = 0; j < 4; ++j) {
    four[j] = b4 ? value[j + 4] : value[j];
    four[j] += __shfl_xor_sync(kAllLanes, b4 ? value[j] : value[j + 4], 16);
  }
#pragma unroll
  for (int j = 0; j < 2; ++j) {
    two[j] = b3 ? four[j + 2] : four[j];
    two[j] += __shfl_xor_sync(kAllLanes, b3 ? four[j] : four[j + 2], 8);
  }
  S one = b2 ? two[1] : two[0];
  one += __shfl_xor_sync(kAllLanes, b2 ? two[0] : two[1], 4);
  return one;
}

// A tile of [.., I, N] from (channel, state): zero outside.
template <class S>
__device__ __forceinline__ void load_tile(S (&to)[4][4], const S* from, int64_t i, int64_t width,
                                          int64_t n, int64_t n_state) {
#pragma unroll
  for (int c = 0; c < 4; ++c) {
    const S* row = from + (i + c) * n_state + n;
    if (from != nullptr && i + c < width && n_state % 4 == 0 && n < n_state) {
      const Vec4<S> four = *reinterpret_cast<const Vec4<S>*>(row);
#pragma unroll
      for (int m = 0; m < 4; ++m) to[c][m] = four.v[m];
    } else {
#pragma unroll
      for (int m = 0; m < 4; ++m) {
        to[c][m] = from != nullptr && i + c < width && n + m < n_state ? row[m] : S(0);
      }
    }
  }
}

template <class S>
__device__ __forceinline__ void store_tile(S* to, const S (&from)[4][4], int64_t i, int64_t width,
                                           int64_t n, int64_t n_state) {
#pragma unroll
  for (int c = 0; c < 4; ++c) {
#pragma unroll
    for (int m = 0; m < 4; ++m) {
      if (i + c < width && n + m < n_state) to[(i + c) * n_state + n + m] = from[c][m];
    }
  }
}

template <class T, class S>
__global__ void __launch_bounds__(kScanThreads, 1)
    scan_backward_kernel(SelectiveScanGradParams<T, S> grad, ScanGradScratch<S> scratch) {
  using Shared = SegmentShared<S>;
  constexpr int K = Shared::K;
  ICL_DYNAMIC_SHARED(S, shared);
  Vec4<S>* const states = reinterpret_cast<Vec4<S>*>(shared + Shared::kStatesAt);
  S* const rows = shared + Shared::kRowsAt;
  S* const dt_rows = rows;
  S* const dtu_rows = rows + K * kScanThreads;
  S* const dy_rows = rows + 2 * K * kScanThreads;
  S* const gB_rows = rows + 3 * K * kScanThreads;
  S* const gA_rows = rows + 4 * K * kScanThreads;
  S* const y_rows = rows + 5 * K * kScanThreads;
  S* const parts = shared + Shared::kPartsAt;
  S* const staged = shared + Shared::kStagedAt;

  const SelectiveScanParams<T, S>& p = grad.forward;
  const int64_t N = p.n_state, turns = ceil_div(N, kTurn);
  const int64_t tiles = ceil_div(p.width, kScanThreads), tile = blockIdx.x % tiles;
  const int64_t b = blockIdx.x / (tiles * scratch.chunks);
  const int64_t chunk = blockIdx.x / tiles % scratch.chunks;
  const int64_t row0 = b * p.length, part_row = b * scratch.chunks + chunk;
  const int64_t begin = chunk * scratch.chunk_length;
  const int64_t end =
      begin + scratch.chunk_length < p.length ? begin + scratch.chunk_length : p.length;
  const int64_t segments = ceil_div(p.length, K);

  const int tid = threadIdx.x, lane = tid % 32, warp = tid / 32;
  const int64_t own = tile * kScanThreads + tid;  // the channel whose rows this thread handles
  const bool active = own < p.width;
  const int corner = warp * 32 + lane / 4 * 4;  // first of the tile's channels in the block
  const int64_t i0 = tile * kScanThreads + corner;
  const int n_lane = lane % 4 * 4;

  const S bias = active && p.delta_bias != nullptr ? p.delta_bias[own] : S(0);
  const S skip = active && p.D != nullptr ? p.D[own] : S(0);
  S dD = 0, dbias = 0;
  S A[4][4], g[4][4], dA[4][4];

  // Raw rows of the next segment, so that memory answers while this one is computed.
  S u_next[K], delta_next[K], dy_next[K], z_next[K];
  const auto fetch = [&](int64_t segment) {
#pragma unroll
    for (int k = 0; k < K; ++k) {
      const int64_t t = segment * K + k, row = row0 + t;
      u_next[k] = delta_next[k] = dy_next[k] = z_next[k] = S(0);
      if (!active || t < begin || t >= end) continue;
      u_next[k] = widen(p.u[row * p.u_stride + own]);
      delta_next[k] = widen(p.delta[row * p.delta_stride + own]);
      dy_next[k] = widen(grad.dy[row * grad.dy_stride + own]);
      if (p.z != nullptr) z_next[k] = widen(p.z[row * p.z_stride + own]);
    }
  };

  const int64_t last = ceil_div(end, K) - 1, first = begin / K;
  const bool from_carry = scratch.chunks > 1;
  if (end > begin) fetch(last);
  for (int64_t segment = last; segment >= first; --segment) {
    const int64_t t0 = segment * K;
    const int steps = static_cast<int>(end - t0 < K ? end - t0 : K);
#pragma unroll
    for (int k = 0; k < K; ++k) {
      S dt = delta_next[k] + bias;
      if (p.delta_softplus) dt = softplus(dt);
      if (!active || k >= steps) dt = S(0);
      S dy = dy_next[k];
      if (p.z != nullptr) dy *= z_next[k] * sigmoid(z_next[k]);
      dt_rows[k * kScanThreads + tid] = dt;
      dtu_rows[k * kScanThreads + tid] = dt * u_next[k];
      dy_rows[k * kScanThreads + tid] = dy;
      gB_rows[k * kScanThreads + tid] = S(0);
      gA_rows[k * kScanThreads + tid] = S(0);
      y_rows[k * kScanThreads + tid] = S(0);
    }

    for (int64_t turn = 0; turn < turns; ++turn) {
      const int64_t done = turn * kTurn;
      stage_rows(staged, 2 * kTurn, p.B + done, p.B_stride, row0 + t0, 1, K, steps, N - done,
                 kTurn);
      stage_rows(staged + kTurn, 2 * kTurn, p.C + done, p.C_stride, row0 + t0, 1, K, steps,
                 N - done, kTurn);
      if (turn == 0 && segment > first) fetch(segment - 1);
      wait_for_copies();
      __syncthreads();
      const int64_t n0 = done + n_lane;
      S* const carry = scratch.carry + part_row * p.width * N;
      if (segment == last || turns > 1) {
        load_tile(A, p.A, i0, p.width, n0, N);
        const bool start_here = segment == last && !from_carry;
        const S* from =
            start_here
                ? (grad.dlast_state != nullptr ? grad.dlast_state + b * p.width * N : nullptr)
                : carry;
        load_tile(g, from, i0, p.width, n0, N);
        load_tile(dA, segment == last ? nullptr : scratch.dA + part_row * p.width * N, i0, p.width,
                  n0, N);
      }

      {
        S h[4][4];
        load_tile(h, p.saved + (b * segments + segment) * p.width * N, i0, p.width, n0, N);
        for (int k = 0; k < steps; ++k) {
          const Vec4<S> dt = *reinterpret_cast<const Vec4<S>*>(dt_rows + k * kScanThreads + corner);
          const Vec4<S> dtu =
              *reinterpret_cast<const Vec4<S>*>(dtu_rows + k * kScanThreads + corner);
          const Vec4<S> B = *reinterpret_cast<const Vec4<S>*>(staged + k * 2 * kTurn + n_lane);
          const Vec4<S> C =
              *reinterpret_cast<const Vec4<S>*>(staged + k * 2 * kTurn + kTurn + n_lane);
          S y[4];
#pragma unroll
          for (int c = 0; c < 4; ++c) {
            Vec4<S> before;
            y[c] = 0;
            const S rate = dt.v[c] * S(kLog2E);
#pragma unroll
            for (int m = 0; m < 4; ++m) {
              before.v[m] = h[c][m];
              h[c][m] = exp2_of(rate * A[c][m]) * h[c][m] + dtu.v[c] * B.v[m];
              y[c] += C.v[m] * h[c][m];
            }
            states[(k * 4 + c) * kScanThreads + tid] = before;
          }
          if (p.z != nullptr) y_rows[k * kScanThreads + tid] += sum_over_states(y, lane);
        }
      }

      S dA_here[4][4] = {};  // a segment's sum first: less rounding over long sequences
      for (int k = steps - 1; k >= 0; --k) {
        const Vec4<S> dt = *reinterpret_cast<const Vec4<S>*>(dt_rows + k * kScanThreads + corner);
        const Vec4<S> dtu = *reinterpret_cast<const Vec4<S>*>(dtu_rows + k * kScanThreads + corner);
        const Vec4<S> dy = *reinterpret_cast<const Vec4<S>*>(dy_rows + k * kScanThreads + corner);
        const Vec4<S> B = *reinterpret_cast<const Vec4<S>*>(staged + k * 2 * kTurn + n_lane);
        const Vec4<S> C =
            *reinterpret_cast<const Vec4<S>*>(staged + k * 2 * kTurn + kTurn + n_lane);
        S gB[4], gA[4], dBC[8] = {};
#pragma unroll
        for (int c = 0; c < 4; ++c) {
          const Vec4<S> h = states[(k * 4 + c) * kScanThreads + tid];
          const S rate = dt.v[c] * S(kLog2E);
          gB[c] = gA[c] = 0;
#pragma unroll
          for (int m = 0; m < 4; ++m) {
            const S a = exp2_of(rate * A[c][m]);
            const S kept = a * h.v[m];
            g[c][m] += C.v[m] * dy.v[c];
            dBC[m] += g[c][m] * dtu.v[c];
            dBC[4 + m] += dy.v[c] * (kept + dtu.v[c] * B.v[m]);
            gB[c] += g[c][m] * B.v[m];
            const S through = g[c][m] * kept;
            gA[c] += through * A[c][m];
            dA_here[c][m] += through * dt.v[c];
            g[c][m] *= a;
          }
        }
        gB_rows[k * kScanThreads + tid] += sum_over_states(gB, lane);
        gA_rows[k * kScanThreads + tid] += sum_over_states(gA, lane);
        // Lane 4 j + s: state 4 s + j % 4 of dB (j < 4) or dC.
        const S sum = sum_over_channels(dBC, lane);
        parts[(warp * K + k) * 32 + lane / 16 * 16 + lane % 4 * 4 + lane / 4 % 4] = sum;
      }
#pragma unroll
      for (int c = 0; c < 4; ++c) {
#pragma unroll
        for (int m = 0; m < 4; ++m) dA[c][m] += dA_here[c][m];
      }
      if (turns > 1 || segment == first) {
        store_tile(scratch.dA + part_row * p.width * N, dA, i0, p.width, n0, N);
        if (segment > first) store_tile(carry, g, i0, p.width, n0, N);
        if (segment == 0 && grad.dinitial_state != nullptr) {
          store_tile(grad.dinitial_state + b * p.width * N, g, i0, p.width, n0, N);
        }
      }
      __syncthreads();
      for (int e = tid; e < steps * 32; e += kScanThreads) {
        const int k = e / 32, which = e % 32 / 16;
        const int64_t n = done + e % 16;
        S sum = 0;
#pragma unroll
        for (int w = 0; w < 4; ++w) sum += parts[(w * K + k) * 32 + e % 32];
        if (n < N)
          scratch.dBC[(((b * tiles + tile) * p.length + t0 + k) * 2 + which) * N + n] = sum;
      }
      __syncthreads();
    }

    S dD_here = 0, dbias_here = 0;
    for (int k = 0; active && k < steps; ++k) {
      const int64_t row = row0 + t0 + k;
      const int at = k * kScanThreads + tid;
      const S u = widen(p.u[row * p.u_stride + own]);
      const S dy = dy_rows[at], gB = gB_rows[at];
      S ddelta = u * gB + gA_rows[at];
      if (p.delta_softplus) {
        const S x = widen(p.delta[row * p.delta_stride + own]) + bias;
        if (x <= S(20)) ddelta *= sigmoid(x);
      }
      dD_here += dy * u;
      dbias_here += ddelta;
      grad.du[row * p.width + own] = Narrow<T>::from(dt_rows[at] * gB + skip * dy);
      grad.ddelta[row * p.width + own] = Narrow<T>::from(ddelta);
      if (p.z != nullptr && grad.dz != nullptr) {
        const S z = widen(p.z[row * p.z_stride + own]);
        const S y = y_rows[at] + skip * u;
        grad.dz[row * p.width + own] = Narrow<T>::from(widen(grad.dy[row * grad.dy_stride + own]) *
                                                       y * silu_slope(z, sigmoid(z)));
      }
    }
    dD += dD_here;
    dbias += dbias_here;
  }
  if (!active) return;
  scratch.dD[part_row * p.width + own] = dD;
  scratch.dbias[part_row * p.width + own] = dbias;
}

// dB and dC from their parts: sums over the tiles of channels.
template <class T, class S>
__global__ void sum_dBC_kernel(const S* parts, T* dB, T* dC, int64_t batch, int64_t tiles,
                               int64_t length, int64_t n_state) {
  const int64_t e = int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  const int64_t per_batch = length * 2 * n_state;
  if (e >= batch * per_batch) return;
  const int64_t b = e / per_batch, rest = e % per_batch;
  S sum = 0;
  for (int64_t tile = 0; tile < tiles; ++tile) sum += parts[(b * tiles + tile) * per_batch + rest];
  const int64_t row = b * length + rest / (2 * n_state);
  const int64_t n = rest % (2 * n_state);
  (n < n_state ? dB : dC)[row * n_state + n % n_state] = Narrow<T>::from(sum);
}

}  // namespace icl::kernels
