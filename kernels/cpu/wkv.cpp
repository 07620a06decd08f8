// SPDX-License-Identifier: Apache-2.0
//
// The time mixing of RWKV-4 on the CPU, forward and backward.
//
// Vectorised over channels, sequential in time, the state (numerator a, denominator b, maximum m)
// in registers. The forward pass saves the state before each segment; the backward pass runs a
// segment forward again from there, keeping what it needs of each step, then backward: no maximum
// length.
#include <algorithm>

#include "hwy/aligned_allocator.h"
#include "kernels/cpu/kernels.h"
#include "kernels/wkv.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/wkv.cpp"
#include "hwy/foreach_target.h"
#include "kernels/cpu/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace icl::kernels::cpu::HWY_NAMESPACE {
namespace {

constexpr double kEmptyMaximum = -1e38;  // of a state that has seen nothing

template <class T>
struct State {
  V<T> a, b, m;
};

// The weights of one step: of the past and of the present in the output, of the state and of the
// present in the next state; each relative to a maximum of its own.
template <class T>
struct Weights {
  V<T> past, here, keep, add;
  V<T> decayed, next;  // the two sides' logarithms: m + decay, and the next maximum
};

template <class T>
HWY_INLINE Weights<T> weights(V<T> m, V<T> k, V<T> decay, V<T> bonus) {
  const Tag<T> d;
  const auto now = hn::Add(bonus, k);
  const auto top = hn::Max(m, now);
  const auto decayed = hn::Add(m, decay);
  const auto next = hn::Max(decayed, k);
  return {fast_exp(d, hn::Sub(m, top)),
          fast_exp(d, hn::Sub(now, top)),
          fast_exp(d, hn::Sub(decayed, next)),
          fast_exp(d, hn::Sub(k, next)),
          decayed,
          next};
}

template <class T>
HWY_INLINE State<T> advance(const State<T>& s, const Weights<T>& w, V<T> v) {
  return {hn::MulAdd(w.keep, s.a, hn::Mul(w.add, v)), hn::MulAdd(w.keep, s.b, w.add), w.next};
}

// Rows numerator, denominator, maximum, `stride` elements apart.
template <class T>
HWY_INLINE State<T> load_state(const T* from, int64_t stride, int64_t lanes) {
  const Tag<T> d;
  return {load_lanes(d, from, lanes), load_lanes(d, from + stride, lanes),
          load_lanes(d, from + 2 * stride, lanes)};
}
template <class T>
HWY_INLINE void store_state(const State<T>& s, T* to, int64_t stride, int64_t lanes) {
  const Tag<T> d;
  store_lanes(d, s.a, to, lanes);
  store_lanes(d, s.b, to + stride, lanes);
  store_lanes(d, s.m, to + 2 * stride, lanes);
}

template <class T>
T* saved_state(const WkvParams<T, T>& p, const Place& at, int64_t segment) {
  return p.saved + (at.b * segments(p.length) + segment) * 3 * p.width + at.channel;
}

template <class T>
void forward_vector(const WkvParams<T, T>& p, const Place& at) {
  const Tag<T> d;
  const auto decay = load_lanes(d, p.decay + at.channel, at.lanes);
  const auto bonus = load_lanes(d, p.bonus + at.channel, at.lanes);
  const int64_t offset = at.b * 3 * p.width + at.channel;
  State<T> s{hn::Zero(d), hn::Zero(d), hn::Set(d, static_cast<T>(kEmptyMaximum))};
  if (p.state != nullptr) s = load_state(p.state + offset, p.width, at.lanes);
  for (int64_t l = 0; l < p.length; ++l) {
    if (p.saved != nullptr && l % kSegment == 0) {
      store_state(s, saved_state(p, at, l / kSegment), p.width, at.lanes);
    }
    const int64_t row = at.b * p.length + l;
    const auto k = load_lanes(d, p.k + row * p.k_stride + at.channel, at.lanes);
    const auto v = load_lanes(d, p.v + row * p.v_stride + at.channel, at.lanes);
    const Weights<T> w = weights<T>(s.m, k, decay, bonus);
    const auto numerator = hn::MulAdd(w.past, s.a, hn::Mul(w.here, v));
    const auto denominator = hn::MulAdd(w.past, s.b, w.here);
    store_lanes(d, hn::Div(numerator, denominator), p.y + row * p.width + at.channel, at.lanes);
    s = advance(s, w, v);
  }
  store_state(s, p.last_state + offset, p.width, at.lanes);
}

template <class T>
void forward(const WkvParams<T, T>& p, int64_t begin, int64_t end) {
  for_each_vector<T>(p.width, begin, end, [&](const Place& at) { forward_vector(p, at); });
}

// What the backward pass keeps of each step of a segment.
template <class T>
struct Steps {
  static constexpr int64_t kLanes = HWY_LANES(T);
  HWY_ALIGN T a[kSegment][kLanes];
  HWY_ALIGN T b[kSegment][kLanes];
  HWY_ALIGN T past[kSegment][kLanes];
  HWY_ALIGN T here[kSegment][kLanes];
  HWY_ALIGN T keep[kSegment][kLanes];
  HWY_ALIGN T add[kSegment][kLanes];
  HWY_ALIGN T side[kSegment][kLanes];  // 1: the maximum came from the state, 0: from k, 1/2: both
};

template <class T>
void run_segment(const WkvParams<T, T>& p, const Place& at, int64_t first, int64_t steps,
                 Steps<T>& kept) {
  const Tag<T> d;
  const auto decay = load_lanes(d, p.decay + at.channel, at.lanes);
  const auto bonus = load_lanes(d, p.bonus + at.channel, at.lanes);
  State<T> s = load_state(saved_state(p, at, first / kSegment), p.width, at.lanes);
  for (int64_t t = 0; t < steps; ++t) {
    const int64_t row = at.b * p.length + first + t;
    const auto k = load_lanes(d, p.k + row * p.k_stride + at.channel, at.lanes);
    const auto v = load_lanes(d, p.v + row * p.v_stride + at.channel, at.lanes);
    const Weights<T> w = weights<T>(s.m, k, decay, bonus);
    hn::Store(s.a, d, kept.a[t]);
    hn::Store(s.b, d, kept.b[t]);
    hn::Store(w.past, d, kept.past[t]);
    hn::Store(w.here, d, kept.here[t]);
    hn::Store(w.keep, d, kept.keep[t]);
    hn::Store(w.add, d, kept.add[t]);
    const auto half = hn::Set(d, static_cast<T>(0.5));
    const auto from_state = hn::IfThenElseZero(hn::Ge(w.decayed, k), half);
    const auto not_from_k = hn::IfThenElseZero(hn::Gt(w.decayed, k), half);
    hn::Store(hn::Add(from_state, not_from_k), d, kept.side[t]);
    s = advance(s, w, v);
  }
}

// Gradients that travel backward in time (`ds`) and those of the parameters.
template <class T>
struct Gradients {
  State<T> ds;
  V<T> ddecay, dbonus;
};

// One step, a <- keep a + add v, b <- keep b + add, m <- max(m + decay, k):
//  - the output does not depend on its own maximum, so that leaves no gradient;
//  - the next maximum gets dm - a' da' - b' db', which goes to the side that it came from. In
//    the sums below that difference has been worked out, as it would cancel badly.
template <class T>
HWY_INLINE void step_back(const Steps<T>& kept, int64_t t, V<T> dy, V<T> v, Gradients<T>& g,
                          V<T>& dk, V<T>& dv) {
  const Tag<T> d;
  const auto a = hn::Load(d, kept.a[t]);
  const auto b = hn::Load(d, kept.b[t]);
  const auto past = hn::Load(d, kept.past[t]);
  const auto here = hn::Load(d, kept.here[t]);
  const auto keep = hn::Load(d, kept.keep[t]);
  const auto add = hn::Load(d, kept.add[t]);
  const auto side = hn::Load(d, kept.side[t]);
  // The next state's gradients: through the state (`old`) and through the present (`fresh`).
  const auto old = hn::Mul(keep, hn::MulAdd(a, g.ds.a, hn::Mul(b, g.ds.b)));
  const auto fresh = hn::Mul(add, hn::MulAdd(v, g.ds.a, g.ds.b));
  const auto one = hn::Set(d, 1);
  const auto other = hn::Sub(one, side);
  const auto ddecayed = hn::MulAdd(side, hn::Sub(g.ds.m, fresh), hn::Mul(other, old));
  const auto dkey = hn::MulAdd(other, hn::Sub(g.ds.m, old), hn::Mul(side, fresh));
  // The output y = numerator / denominator. In its logarithms only past and present count, one up
  // as the other goes down: v - y = past (b v - a) / denominator.
  const auto denominator = hn::MulAdd(past, b, here);
  const auto scaled = hn::Div(dy, denominator);
  const auto y = hn::Div(hn::MulAdd(past, a, hn::Mul(here, v)), denominator);
  const auto apart = hn::Div(hn::MulSub(b, v, a), denominator);
  const auto dnow = hn::Mul(hn::Mul(here, past), hn::Mul(scaled, apart));
  dk = hn::Add(dkey, dnow);
  dv = hn::MulAdd(add, g.ds.a, hn::Mul(here, scaled));
  g.ddecay = hn::Add(g.ddecay, ddecayed);
  g.dbonus = hn::Add(g.dbonus, dnow);
  const auto reach = hn::Mul(past, scaled);
  g.ds = {hn::MulAdd(keep, g.ds.a, reach), hn::NegMulAdd(reach, y, hn::Mul(keep, g.ds.b)),
          hn::Sub(ddecayed, dnow)};
}

template <class T>
void backward_vector(const WkvGradParams<T, T>& p, const Place& at, Steps<T>& kept, T* ddecay_parts,
                     T* dbonus_parts) {
  const Tag<T> d;
  const WkvParams<T, T>& f = p.forward;
  const int64_t offset = at.b * 3 * f.width + at.channel;
  const auto zero = hn::Zero(d);
  State<T> ds{zero, zero, zero};
  if (p.dlast_state != nullptr) ds = load_state(p.dlast_state + offset, f.width, at.lanes);
  auto ddecay = zero;
  auto dbonus = zero;
  for (int64_t segment = segments(f.length) - 1; segment >= 0; --segment) {
    const int64_t first = segment * kSegment;
    const int64_t steps = std::min(kSegment, f.length - first);
    run_segment(f, at, first, steps, kept);
    Gradients<T> g{ds, zero, zero};  // of this segment first: shorter chains of roundings
    for (int64_t t = steps - 1; t >= 0; --t) {
      const int64_t row = at.b * f.length + first + t;
      const auto dy = load_lanes(d, p.dy + row * p.dy_stride + at.channel, at.lanes);
      const auto v = load_lanes(d, f.v + row * f.v_stride + at.channel, at.lanes);
      V<T> dk = zero;
      V<T> dv = zero;
      step_back(kept, t, dy, v, g, dk, dv);
      store_lanes(d, dk, p.dk + row * f.width + at.channel, at.lanes);
      store_lanes(d, dv, p.dv + row * f.width + at.channel, at.lanes);
    }
    ds = g.ds;
    ddecay = hn::Add(ddecay, g.ddecay);
    dbonus = hn::Add(dbonus, g.dbonus);
  }
  if (p.dstate != nullptr) store_state(ds, p.dstate + offset, f.width, at.lanes);
  store_lanes(d, ddecay, ddecay_parts + at.b * f.width + at.channel, at.lanes);
  store_lanes(d, dbonus, dbonus_parts + at.b * f.width + at.channel, at.lanes);
}

template <class T>
void backward(const WkvGradParams<T, T>& p, T* ddecay_parts, T* dbonus_parts, int64_t begin,
              int64_t end) {
  const auto kept = hwy::AllocateAligned<Steps<T>>(1);
  for_each_vector<T>(p.forward.width, begin, end, [&](const Place& at) {
    backward_vector(p, at, kept[0], ddecay_parts, dbonus_parts);
  });
}

void forward_float(const WkvParams<float, float>& p, int64_t begin, int64_t end) {
  forward(p, begin, end);
}
void forward_double(const WkvParams<double, double>& p, int64_t begin, int64_t end) {
  forward(p, begin, end);
}
void backward_float(const WkvGradParams<float, float>& p, float* ddecay, float* dbonus,
                    int64_t begin, int64_t end) {
  backward(p, ddecay, dbonus, begin, end);
}
void backward_double(const WkvGradParams<double, double>& p, double* ddecay, double* dbonus,
                     int64_t begin, int64_t end) {
  backward(p, ddecay, dbonus, begin, end);
}

}  // namespace
}  // namespace icl::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace icl::kernels::cpu {

HWY_EXPORT(forward_float);
HWY_EXPORT(forward_double);
HWY_EXPORT(backward_float);
HWY_EXPORT(backward_double);

template <>
void wkv_forward(const WkvParams<float, float>& params, int64_t begin, int64_t end) {
  HWY_DYNAMIC_DISPATCH(forward_float)(params, begin, end);
}
template <>
void wkv_forward(const WkvParams<double, double>& params, int64_t begin, int64_t end) {
  HWY_DYNAMIC_DISPATCH(forward_double)(params, begin, end);
}
template <>
void wkv_backward(const WkvGradParams<float, float>& params, float* ddecay_parts,
                  float* dbonus_parts, int64_t begin, int64_t end) {
  HWY_DYNAMIC_DISPATCH(backward_float)(params, ddecay_parts, dbonus_parts, begin, end);
}
template <>
void wkv_backward(const WkvGradParams<double, double>& params, double* ddecay_parts,
                  double* dbonus_parts, int64_t begin, int64_t end) {
  HWY_DYNAMIC_DISPATCH(backward_double)(params, ddecay_parts, dbonus_parts, begin, end);
}

}  // namespace icl::kernels::cpu
#endif
