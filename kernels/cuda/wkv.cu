// SPDX-License-Identifier: Apache-2.0
//
// RWKV-4's wkv, forward and backward, of any length. A thread takes one channel of one sequence,
// with the state (numerator n, denominator d, maximum m) in registers; lanes are neighbouring
// channels, and rows are read some steps ahead.
//
// Bound: memory latency at this field's sizes (few warps), else memory: 3 elements per channel and
// step forward, 7 backward with the states left every kSegment steps.
//
// Surprise: shifting the maximum while scaling n and d leaves every later y the same, so from y
// alone the gradient of m is dn n + dd d. Backward therefore carries only dn, dd and the rest
// r = dm - dn n - dd d, which can come from the last state alone and follows whichever of the two
// candidates was the maximum (both half if equal).
#include "kernels/cuda/sum_rows.cuh"
#include "kernels/wkv.h"

namespace icl::kernels {
namespace {

constexpr int kThreads = 64;           // small blocks, as there are few warps to spread
constexpr int kSegment = kWkvSegment;  // steps read ahead, and between saved states
constexpr double kEmptyMaximum = -1e38;

template <class S>
struct State {
  S n, d, m;
};

template <class S>
__device__ __forceinline__ void advance(State<S>& s, S decay, S k, S v) {
  const S m = larger(s.m + decay, k);
  const S keep = exp_of(s.m + decay - m), add = exp_of(k - m);
  s.n = keep * s.n + add * v;
  s.d = keep * s.d + add;
  s.m = m;
}

template <class T, class S>
__device__ __forceinline__ State<S> initial(const WkvParams<T, S>& p, int64_t b, int64_t c) {
  if (p.state == nullptr) return {S(0), S(0), S(kEmptyMaximum)};
  const S* from = p.state + b * 3 * p.width + c;
  return {from[0], from[p.width], from[2 * p.width]};
}

template <class S>
__device__ __forceinline__ void store(S* to, const State<S>& s, int64_t width) {
  to[0] = s.n;
  to[width] = s.d;
  to[2 * width] = s.m;
}

template <class T, class S>
__global__ void forward_kernel(WkvParams<T, S> p) {
  const int64_t e = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (e >= p.batch * p.width) return;
  const int64_t b = e / p.width, c = e % p.width;
  const int64_t segments = ceil_div(p.length, kSegment);
  const S decay = p.decay[c], bonus = p.bonus[c];
  State<S> s = initial(p, b, c);
  S k_next[kSegment], v_next[kSegment];
  const auto fetch = [&](int64_t segment) {
#pragma unroll
    for (int q = 0; q < kSegment; ++q) {
      const int64_t t = segment * kSegment + q, row = b * p.length + t;
      k_next[q] = t < p.length ? widen(p.k[row * p.k_stride + c]) : S(0);
      v_next[q] = t < p.length ? widen(p.v[row * p.v_stride + c]) : S(0);
    }
  };
  fetch(0);
  for (int64_t segment = 0; segment < segments; ++segment) {
    if (p.saved != nullptr) store(p.saved + (b * segments + segment) * 3 * p.width + c, s, p.width);
    S k[kSegment], v[kSegment];
#pragma unroll
    for (int q = 0; q < kSegment; ++q) {
      k[q] = k_next[q];
      v[q] = v_next[q];
    }
    fetch(segment + 1);
#pragma unroll
    for (int q = 0; q < kSegment; ++q) {
      const int64_t t = segment * kSegment + q;
      if (t >= p.length) break;
      const S top = larger(s.m, bonus + k[q]);
      const S past = exp_of(s.m - top), here = exp_of(bonus + k[q] - top);
      const S y = quotient(past * s.n + here * v[q], past * s.d + here);
      p.y[(b * p.length + t) * p.width + c] = Narrow<T>::from(y);
      advance(s, decay, k[q], v[q]);
    }
  }
  if (p.last_state != nullptr) store(p.last_state + b * 3 * p.width + c, s, p.width);
}

// Parts of ddecay and dbonus: [B, C] each.
template <class T, class S>
__global__ void backward_kernel(WkvGradParams<T, S> grad, S* ddecays, S* dbonuses) {
  const WkvParams<T, S>& p = grad.forward;
  const int64_t e = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (e >= p.batch * p.width) return;
  const int64_t b = e / p.width, c = e % p.width;
  const int64_t segments = ceil_div(p.length, kSegment);
  const S decay = p.decay[c], bonus = p.bonus[c];
  S dn = 0, dd = 0, dm = 0, ddecay = 0, dbonus = 0;
  if (grad.dlast_state != nullptr) {
    const S* from = grad.dlast_state + b * 3 * p.width + c;
    dn = from[0], dd = from[p.width], dm = from[2 * p.width];
  }
  S rest = 0;
  S k_next[kSegment], v_next[kSegment], dy_next[kSegment];
  const auto fetch = [&](int64_t segment) {
#pragma unroll
    for (int q = 0; q < kSegment; ++q) {
      const int64_t t = segment * kSegment + q, row = b * p.length + t;
      const bool real = segment >= 0 && t < p.length;
      k_next[q] = real ? widen(p.k[row * p.k_stride + c]) : S(0);
      v_next[q] = real ? widen(p.v[row * p.v_stride + c]) : S(0);
      dy_next[q] = real ? widen(grad.dy[row * grad.dy_stride + c]) : S(0);
    }
  };
  fetch(segments - 1);
  for (int64_t segment = segments - 1; segment >= 0; --segment) {
    S k[kSegment], v[kSegment], dy[kSegment];
#pragma unroll
    for (int q = 0; q < kSegment; ++q) {
      k[q] = k_next[q];
      v[q] = v_next[q];
      dy[q] = dy_next[q];
    }
    fetch(segment - 1);
    const S* from = p.saved + (b * segments + segment) * 3 * p.width + c;
    State<S> s{from[0], from[p.width], from[2 * p.width]};
    State<S> before[kSegment];
#pragma unroll
    for (int q = 0; q < kSegment; ++q) {
      before[q] = s;
      if (segment * kSegment + q < p.length) advance(s, decay, k[q], v[q]);
    }
    if (segment == segments - 1) rest = dm - dn * s.n - dd * s.d;
    S ddecay_here = 0, dbonus_here = 0;
#pragma unroll
    for (int q = kSegment - 1; q >= 0; --q) {
      const int64_t t = segment * kSegment + q;
      if (t >= p.length) continue;
      const State<S>& o = before[q];
      // Through the state's step: n' = keep n + add v, d' = keep d + add.
      const S decayed = o.m + decay;
      const S m = larger(decayed, k[q]);
      const S keep = exp_of(decayed - m), add = exp_of(k[q] - m);
      const S share = decayed > k[q] ? S(1) : decayed < k[q] ? S(0) : S(0.5);
      S dk = add * (dn * v[q] + dd) + (S(1) - share) * rest;
      S dv = add * dn;
      dn *= keep;
      dd *= keep;
      rest *= share;
      ddecay_here += dn * o.n + dd * o.d + rest;
      // Through y = (past n + here v) / (past d + here).
      const S top = larger(o.m, bonus + k[q]);
      const S past = exp_of(o.m - top), here = exp_of(bonus + k[q] - top);
      const S scale = S(1) / (past * o.d + here);
      const S y = (past * o.n + here * v[q]) * scale;
      const S dy_scaled = dy[q] * scale;
      const S dbonus_t = dy_scaled * here * (v[q] - y);
      dn += dy_scaled * past;
      dd -= dy_scaled * past * y;
      dv += dy_scaled * here;
      dk += dbonus_t;
      dbonus_here += dbonus_t;
      grad.dk[(b * p.length + t) * p.width + c] = Narrow<T>::from(dk);
      grad.dv[(b * p.length + t) * p.width + c] = Narrow<T>::from(dv);
    }
    ddecay += ddecay_here;
    dbonus += dbonus_here;
  }
  ddecays[e] = ddecay;
  dbonuses[e] = dbonus;
  if (grad.dstate != nullptr) {
    const State<S> first = initial(p, b, c);
    if (segments == 0) rest = dm - dn * first.n - dd * first.d;
    store(grad.dstate + b * 3 * p.width + c, {dn, dd, dn * first.n + dd * first.d + rest}, p.width);
  }
}

}  // namespace

template <class T, class S>
int wkv(const WkvParams<T, S>& p, Stream stream) {
  if (p.batch * p.width == 0) return 0;
  return launch(forward_kernel<T, S>, blocks_1d(ceil_div(p.batch * p.width, kThreads)), kThreads, 0,
                stream, p);
}

template <class T, class S>
int64_t wkv_grad_workspace(const WkvGradParams<T, S>& grad) {
  return 2 * grad.forward.batch * grad.forward.width;
}

template <class T, class S>
int wkv_grad(const WkvGradParams<T, S>& grad, S* workspace, Stream stream) {
  const int64_t batch = grad.forward.batch, width = grad.forward.width;
  S* const dbonuses = workspace + batch * width;
  int error = 0;
  if (batch * width > 0) {
    error = launch(backward_kernel<T, S>, blocks_1d(ceil_div(batch * width, kThreads)), kThreads, 0,
                   stream, grad, workspace, dbonuses);
  }
  if (error == 0) error = sum_rows<S>(workspace, grad.ddecay, 1, batch, width, stream);
  if (error == 0) error = sum_rows<S>(dbonuses, grad.dbonus, 1, batch, width, stream);
  return error;
}

#define ICL_INSTANTIATE(T, S)                                      \
  template int wkv(const WkvParams<T, S>&, Stream);                \
  template int64_t wkv_grad_workspace(const WkvGradParams<T, S>&); \
  template int wkv_grad(const WkvGradParams<T, S>&, S*, Stream);
ICL_FOR_KERNEL_TYPES(ICL_INSTANTIATE)
#undef ICL_INSTANTIATE

}  // namespace icl::kernels
