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
// Bound: instruction issue (31.3 instructions per element, N = 16), then shared memory.
//
// Surprise: a sum over 4 (or 8) lanes of as many values costs 3 (7) shuffles, not 8 (24): each
// round halves the values as it halves the lanes, and leaves lane l with the sum that belongs to
// channel l (state l). States beyond 16 are taken in turns of 16 within a segment, with g and dA
// waiting in scratch memory that no other thread touches.
#pragma once

#include "kernels/cuda/scan_segment.cuh"

namespace icl::kernels {

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

template <class T, class S, bool kOneTurn>
__global__ void __launch_bounds__(kScanThreads, 1)
    scan_backward_kernel(SelectiveScanGradParams<T, S> grad, ScanGradScratch<S> scratch) {
  using Shared = SegmentShared<S>;
  constexpr int K = Shared::K;
  ICL_DYNAMIC_SHARED(S, shared);

  const SelectiveScanParams<T, S>& p = grad.forward;
  // States and steps in 32 bits (kMostScanStates, kMostScanLength): they take registers.
  const int N = static_cast<int>(p.n_state), turns = kOneTurn ? 1 : (N + kTurn - 1) / kTurn;
  const int64_t tiles = ceil_div(p.width, kScanThreads), tile = blockIdx.x % tiles;
  const int64_t b = blockIdx.x / (tiles * scratch.chunks);
  const int64_t chunk = blockIdx.x / tiles % scratch.chunks;
  const int64_t begin = chunk * scratch.chunk_length;
  const int end = static_cast<int>(
      begin + scratch.chunk_length < p.length ? begin + scratch.chunk_length : p.length);
  const int first = static_cast<int>(begin / K), last = (end + K - 1) / K - 1;

  const BackwardThread me;
  const int64_t own_channel = tile * kScanThreads + me.tid;
  const bool active = own_channel < p.width;
  const int64_t i = active ? own_channel : p.width - 1;
  const S bias = p.delta_bias != nullptr ? p.delta_bias[i] : S(0);
  const S skip = p.D != nullptr ? p.D[i] : S(0);
  // Corners of the tile in the arrays [.., I, N].
  const int64_t corner = tile * kScanThreads + me.corner, states = p.width * N;
  const int channels_left = static_cast<int>(p.width - corner < 4 ? p.width - corner : 4);
  const int64_t tile_place = corner * N + me.n_lane;
  const int64_t sequence = b * states + tile_place;
  const int64_t part = (b * scratch.chunks + chunk) * states + tile_place;
  const bool in_fours = N % 4 == 0;
  const bool B_in_fours = rows_in_fours(p.B, p.B_stride, N);
  const bool C_in_fours = rows_in_fours(p.C, p.C_stride, N);

  OwnRows<T, S> rows;
  OwnSteps<S> own;
  S dD = 0, dbias = 0;
  S A[4][4], g[4][4], dA[4][4];

  rows.fetch(grad, b * p.length + last * K, i, end - last * K);
  for (int segment = last; segment >= first; --segment) {
    const int t0 = segment * K, steps = end - t0 < K ? end - t0 : K;
    prepare_segment<kOneTurn>(p, rows, bias, active ? steps : 0, me.tid, shared, own);

    for (int turn = 0; turn < turns; ++turn) {
      const int done = turn * kTurn, states_left = N - done - me.n_lane;
      const auto stage = [&](S* to, const T* from, int64_t stride, bool rows_by_fours) {
        stage_rows<K, kTurn>(to, 2 * kTurn, from + (b * p.length + t0) * stride + done, stride,
                             steps, N - done, rows_by_fours);
      };
      stage(Shared::B(shared, 0), p.B, p.B_stride, B_in_fours);
      stage(Shared::C(shared, 0), p.C, p.C_stride, C_in_fours);
      if (turn == 0 && segment > first) rows.fetch(grad, b * p.length + t0 - K, i, K);
      wait_for_copies();
      __syncthreads();
      if (segment == last || !kOneTurn) {
        load_tile(A, p.A + tile_place + done, N, channels_left, states_left, in_fours);
        const S* from = scratch.carry != nullptr && (segment < last || scratch.chunks > 1)
                            ? scratch.carry + part + done
                        : grad.dlast_state != nullptr ? grad.dlast_state + sequence + done
                                                      : nullptr;
        load_tile(g, from, N, from != nullptr ? channels_left : 0, states_left, false);
      }

      S h[4][4], dA_here[4][4] = {};  // a segment's sum first: less rounding over long sequences
      const int64_t saved = (b * ceil_div(p.length, K) + segment) * states + tile_place + done;
      load_tile(h, p.saved + saved, N, channels_left, states_left, in_fours);
      walk_forward<kOneTurn>(me, A, h, steps, p.z != nullptr, shared);
      walk_backward<kOneTurn>(me, A, g, h, dA_here, steps, shared);
      if (segment == last || !kOneTurn) {
        load_tile(dA, scratch.dA + part + done, N, segment < last ? channels_left : 0, states_left,
                  false);
      }
#pragma unroll
      for (int c = 0; c < 4; ++c) {
#pragma unroll
        for (int m = 0; m < 4; ++m) dA[c][m] += dA_here[c][m];
      }
      if (!kOneTurn || segment == first) {
        store_tile(scratch.dA + part + done, dA, N, channels_left, states_left);
        if (segment > first)
          store_tile(scratch.carry + part + done, g, N, channels_left, states_left);
        if (segment == 0 && grad.dinitial_state != nullptr) {
          store_tile(grad.dinitial_state + sequence + done, g, N, channels_left, states_left);
        }
      }
      __syncthreads();
      S* sums = scratch.dBC + ((b * tiles + tile) * p.length + t0) * 2 * N + done;
      for (int e = me.tid; e < steps * 32; e += kScanThreads) {
        const int k = e / 32, n = e % 16;
        S sum = 0;
#pragma unroll
        for (int w = 0; w < 4; ++w) sum += Shared::parts(shared, w, k)[e % 32];
        if (done + n < N) sums[(2 * k + e % 32 / 16) * N + n] = sum;
      }
      __syncthreads();
    }
    if (active) {
      finish_segment(grad, own, skip, steps, (b * p.length + t0) * p.width + i, me.tid, shared, &dD,
                     &dbias);
    }
  }
  if (!active) return;
  const int64_t row = (b * scratch.chunks + chunk) * p.width + i;
  scratch.dD[row] = dD;
  scratch.dbias[row] = dbias;
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
