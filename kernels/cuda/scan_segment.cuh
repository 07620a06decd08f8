// SPDX-License-Identifier: Apache-2.0
//
// A segment of the selective scan's backward pass, step by step as scan_backward.cuh puts them
// together: a few steps in time of 128 channels and 16 states, worked on by one block.
#pragma once

#include "kernels/cuda/scan_forward.cuh"

namespace icl::kernels {

constexpr int kTurn = 16;  // states at a time

// A block's shared memory: the states of a segment, rows of one value for each channel, parts of dB
// and dC for each warp, rows of B and C. Under 99 KiB for any N, the least that GPUs from sm_80 on
// offer a block.
template <class S>
struct SegmentShared {
  static constexpr int K = kScanSegment<S>;
  // Slope: d dt / d delta. gB, gA: sums over states of g B, g a h A.
  enum Row { kDt, kDtU, kDy, kSlope, kGB, kGA, kY, kRows };
  static constexpr int kRowsAt = K * 4 * kScanThreads * 4;
  static constexpr int kPartsAt = kRowsAt + kRows * K * kScanThreads;
  static constexpr int kStagedAt = kPartsAt + 4 * K * 32;
  static constexpr size_t kBytes = (kStagedAt + K * 2 * kTurn) * sizeof(S);
  static_assert(kBytes <= 99 * 1024);

  static __device__ __forceinline__ Vec4<S>& four(S* at) { return *reinterpret_cast<Vec4<S>*>(at); }
  // Four states of the thread's channel c before step k.
  static __device__ __forceinline__ Vec4<S>& state(S* shared, int k, int c, int tid) {
    return four(shared + ((k * 4 + c) * kScanThreads + tid) * 4);
  }
  static __device__ __forceinline__ S* row(S* shared, int which, int k) {
    return shared + kRowsAt + (which * K + k) * kScanThreads;
  }
  static __device__ __forceinline__ S* parts(S* shared, int warp, int k) {
    return shared + kPartsAt + (warp * K + k) * 32;
  }
  static __device__ __forceinline__ S* B(S* shared, int k) {
    return shared + kStagedAt + k * 2 * kTurn;
  }
  static __device__ __forceinline__ S* C(S* shared, int k) { return B(shared, k) + kTurn; }

  template <bool kOneTurn>
  static __device__ __forceinline__ void add(S* shared, Row which, int k, int tid, S value) {
    S& place = row(shared, which, k)[tid];
    place = kOneTurn ? value : place + value;
  }
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

// Which part of a block's work is a thread's: a channel of its own, whose rows it reads and writes,
// and a tile of 4 channels by 4 states.
struct BackwardThread {
  int tid, lane, warp, corner, n_lane;  // corner: first of the tile's channels in the block
  __device__ __forceinline__ BackwardThread()
      : tid(threadIdx.x),
        lane(tid % 32),
        warp(tid / 32),
        corner(warp * 32 + lane / 4 * 4),
        n_lane(lane % 4 * 4) {}
};

// A tile of [I, N], of which `channels` and `states` are left; `in_fours` as for load_values.
template <class S>
__device__ __forceinline__ void load_tile(S (&to)[4][4], const S* from, int64_t n_state,
                                          int channels, int states, bool in_fours) {
  if (in_fours && channels == 4 && states > 0) {
#pragma unroll
    for (int c = 0; c < 4; ++c, from += n_state) load_values<4>(to[c], from, 4, true);
  } else {
#pragma unroll
    for (int c = 0; c < 4; ++c, from += n_state) {
      load_values<4>(to[c], from, c < channels ? states : 0, false);
    }
  }
}
template <class S>
__device__ __forceinline__ void store_tile(S* to, const S (&from)[4][4], int64_t n_state,
                                           int channels, int states) {
#pragma unroll
  for (int c = 0; c < 4; ++c, to += n_state) {
    store_values<4>(to, from[c], c < channels ? states : 0, false);
  }
}

// The rows of a thread's own channel, fetched a segment ahead so that memory answers while the one
// after it is computed.
template <class T, class S>
struct OwnRows {
  static constexpr int K = kScanSegment<S>;
  S u[K] = {}, delta[K] = {}, dy[K] = {}, z[K] = {};

  // `steps` rows from `row` of [B, L]; without a gate, z is anything.
  __device__ __forceinline__ void fetch(const SelectiveScanGradParams<T, S>& grad, int64_t row,
                                        int64_t i, int steps) {
    const SelectiveScanParams<T, S>& p = grad.forward;
    const int64_t z_stride = p.z != nullptr ? p.z_stride : p.u_stride;
    const T *u_at = p.u + row * p.u_stride + i, *delta_at = p.delta + row * p.delta_stride + i;
    const T *dy_at = grad.dy + row * grad.dy_stride + i,
            *z_at = (p.z != nullptr ? p.z : p.u) + row * z_stride + i;
#pragma unroll
    for (int k = 0; k < K; ++k) {
      if (k < steps) {
        u[k] = widen(*u_at);
        delta[k] = widen(*delta_at);
        dy[k] = widen(*dy_at);
        z[k] = widen(*z_at);
      }
      u_at += p.u_stride, delta_at += p.delta_stride;
      dy_at += grad.dy_stride, z_at += z_stride;
    }
  }
};

// What the end of a segment needs of its beginning: u, dy times the gate's slope.
template <class S>
struct OwnSteps {
  S u[kScanSegment<S>], gate_slope[kScanSegment<S>];
};

// The own channel's dt, dt u and dy before the gate into shared memory; zero past the end and past
// the last channel, which keeps those steps out of every sum.
template <bool kOneTurn, class T, class S>
__device__ __forceinline__ void prepare_segment(const SelectiveScanParams<T, S>& p,
                                                const OwnRows<T, S>& rows, S bias, int steps,
                                                int tid, S* shared, OwnSteps<S>& own) {
  using Shared = SegmentShared<S>;
#pragma unroll
  for (int k = 0; k < Shared::K; ++k) {
    const S x = rows.delta[k] + bias;
    Softplus<S> dt{x, S(1)};
    if (p.delta_softplus) dt = softplus(x);
    S dy = rows.dy[k];
    if (p.z != nullptr) {
      const S s = sigmoid(rows.z[k]);
      own.gate_slope[k] = dy * silu_slope(rows.z[k], s);
      dy *= rows.z[k] * s;
    }
    own.u[k] = rows.u[k];
    const bool real = k < steps;
    Shared::row(shared, Shared::kSlope, k)[tid] = dt.slope;
    Shared::row(shared, Shared::kDt, k)[tid] = real ? dt.value : S(0);
    Shared::row(shared, Shared::kDtU, k)[tid] = real ? dt.value * rows.u[k] : S(0);
    Shared::row(shared, Shared::kDy, k)[tid] = real ? dy : S(0);
    if constexpr (!kOneTurn) {
      for (int which : {Shared::kGB, Shared::kGA, Shared::kY})
        Shared::row(shared, which, k)[tid] = 0;
    }
  }
}

// A segment's states from h, the one before it; each step's state before it is kept. If wanted, y.
// Here and backward, steps go by twos, so that states need no copies: the one past the end of an
// odd segment has dt = dy = 0 and changes nothing.
template <bool kOneTurn, class S>
__device__ __forceinline__ void walk_forward(const BackwardThread& me, const S (&A)[4][4],
                                             S (&h)[4][4], int steps, bool wants_y, S* shared) {
  using Shared = SegmentShared<S>;
  for (int first = 0; first < steps; first += 2) {
#pragma unroll
    for (int k = first; k < first + 2; ++k) {
      const Vec4<S> dt = Shared::four(Shared::row(shared, Shared::kDt, k) + me.corner);
      const Vec4<S> dtu = Shared::four(Shared::row(shared, Shared::kDtU, k) + me.corner);
      const Vec4<S> B = Shared::four(Shared::B(shared, k) + me.n_lane);
      const Vec4<S> C = Shared::four(Shared::C(shared, k) + me.n_lane);
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
        Shared::state(shared, k, c, me.tid) = before;
      }
      if (wants_y) {
        Shared::template add<kOneTurn>(shared, Shared::kY, k, me.tid, sum_over_states(y, me.lane));
      }
    }
  }
}

// A segment backward: g is the gradient of the state after its last step, then of that before its
// first; `after` the state after its last step.
template <bool kOneTurn, class S>
__device__ __forceinline__ void walk_backward(const BackwardThread& me, const S (&A)[4][4],
                                              S (&g)[4][4], S (&after)[4][4], S (&dA)[4][4],
                                              int steps, S* shared) {
  using Shared = SegmentShared<S>;
  for (int pair = (steps - 1) / 2; pair >= 0; --pair) {
// Beyond 16 states, where more is kept, two steps at once would not fit the registers.
#pragma unroll(kOneTurn ? 2 : 1)
    for (int k = 2 * pair + 1, last = 1; last >= 0; --k, --last) {
      const Vec4<S> dt = Shared::four(Shared::row(shared, Shared::kDt, k) + me.corner);
      const Vec4<S> dtu = Shared::four(Shared::row(shared, Shared::kDtU, k) + me.corner);
      const Vec4<S> dy = Shared::four(Shared::row(shared, Shared::kDy, k) + me.corner);
      const Vec4<S> B = Shared::four(Shared::B(shared, k) + me.n_lane);
      const Vec4<S> C = Shared::four(Shared::C(shared, k) + me.n_lane);
      S gB[4], gA[4], dBC[8] = {};
#pragma unroll
      for (int c = 0; c < 4; ++c) {
        const Vec4<S> before = Shared::state(shared, k, c, me.tid);
        const S rate = dt.v[c] * S(kLog2E);
        gB[c] = gA[c] = 0;
#pragma unroll
        for (int m = 0; m < 4; ++m) {
          g[c][m] += C.v[m] * dy.v[c];
          dBC[m] += g[c][m] * dtu.v[c];
          dBC[4 + m] += dy.v[c] * after[c][m];
          gB[c] += g[c][m] * B.v[m];
          g[c][m] *= exp2_of(rate * A[c][m]);
          const S through = g[c][m] * before.v[m];
          gA[c] += through * A[c][m];
          dA[c][m] += through * dt.v[c];
          after[c][m] = before.v[m];
        }
      }
      Shared::template add<kOneTurn>(shared, Shared::kGB, k, me.tid, sum_over_states(gB, me.lane));
      Shared::template add<kOneTurn>(shared, Shared::kGA, k, me.tid, sum_over_states(gA, me.lane));
      // Lane 4 j + s: state 4 s + j % 4 of dB (j < 4) or dC.
      Shared::parts(shared, me.warp, k)[me.lane / 16 * 16 + me.lane % 4 * 4 + me.lane / 4 % 4] =
          sum_over_channels(dBC, me.lane);
    }
  }
}

// A segment's gradients of the own channel, from sums over states.
template <class T, class S>
__device__ __forceinline__ void finish_segment(const SelectiveScanGradParams<T, S>& grad,
                                               const OwnSteps<S>& own, S skip, int steps,
                                               int64_t place, int tid, S* shared, S* dD, S* dbias) {
  using Shared = SegmentShared<S>;
  const SelectiveScanParams<T, S>& p = grad.forward;
  T *du = grad.du + place, *ddelta = grad.ddelta + place;
  T* dz = grad.dz != nullptr && p.z != nullptr ? grad.dz + place : nullptr;
  S dD_here = 0, dbias_here = 0;
#pragma unroll
  for (int k = 0; k < Shared::K; ++k) {
    if (k >= steps) break;
    const auto at = [&](int which) { return Shared::row(shared, which, k)[tid]; };
    const S dy = at(Shared::kDy), gB = at(Shared::kGB);
    const S slope = (own.u[k] * gB + at(Shared::kGA)) * at(Shared::kSlope);
    dD_here += dy * own.u[k];
    dbias_here += slope;
    *du = Narrow<T>::from(at(Shared::kDt) * gB + skip * dy);
    *ddelta = Narrow<T>::from(slope);
    du += p.width, ddelta += p.width;
    if (dz == nullptr) continue;
    *dz = Narrow<T>::from(own.gate_slope[k] * (at(Shared::kY) + skip * own.u[k]));
    dz += p.width;
  }
  *dD += dD_here;
  *dbias += dbias_here;
}

}  // namespace icl::kernels
