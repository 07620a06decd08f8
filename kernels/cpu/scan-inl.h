// SPDX-License-Identifier: Apache-2.0
//
// What the forward and the backward selective scan share: a segment of steps prepared for one
// vector of channels. Included once for each SIMD target.
#include "kernels/cpu/vector-inl.h"

#if defined(ICL_KERNELS_CPU_SCAN_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ICL_KERNELS_CPU_SCAN_INL_H_
#undef ICL_KERNELS_CPU_SCAN_INL_H_
#else
#define ICL_KERNELS_CPU_SCAN_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace icl::kernels::cpu::HWY_NAMESPACE {
namespace {

// What one vector of channels needs of a segment; each row is one step.
template <class T>
struct Segment {
  static constexpr int64_t kLanes = HWY_LANES(T);
  HWY_ALIGN T u[kSegment][kLanes];
  HWY_ALIGN T dt[kSegment][kLanes];
  HWY_ALIGN T input[kSegment][kLanes];  // dt u
  HWY_ALIGN T y[kSegment][kLanes];      // before the gate
};

// A step size for the decay alone: beyond 1e9 it is as good as endless, and exp_product has its
// limit.
template <class T>
HWY_INLINE V<T> decay_step(const T* dt) {
  const Tag<T> d;
  return hn::Min(hn::Set(d, static_cast<T>(1e9)), hn::Load(d, dt));  // in this order NaN stays NaN
}

// A of one vector of channels, [N][lanes], in the unit that exp_product takes.
template <class T>
void scale_rates(const T* A, int64_t count, T* units) {
  for (int64_t i = 0; i < count; ++i) units[i] = rate_unit(A[i]);
}

// For the gradients u is kept, and the derivative of softplus is put into `slope`, [steps][lanes].
template <bool kGradients, class T>
void prepare(const SelectiveScanParams<T, T>& p, const Place& at, int64_t first, int64_t steps,
             Segment<T>& s, T* slope) {
  const Tag<T> d;
  const auto bias =
      p.delta_bias == nullptr ? hn::Zero(d) : load_lanes(d, p.delta_bias + at.channel, at.lanes);
  const auto skip = p.D == nullptr ? hn::Zero(d) : load_lanes(d, p.D + at.channel, at.lanes);
  for (int64_t t = 0; t < steps; ++t) {
    const int64_t row = at.b * p.length + first + t;
    const auto u = load_lanes(d, p.u + row * p.u_stride + at.channel, at.lanes);
    const auto raw =
        hn::Add(load_lanes(d, p.delta + row * p.delta_stride + at.channel, at.lanes), bias);
    auto dt = raw;
    if (p.delta_softplus) {
      const auto [value, derivative] = softplus(d, raw);
      dt = value;
      if (kGradients) hn::Store(derivative, d, slope + t * Segment<T>::kLanes);
    }
    if (kGradients) hn::Store(u, d, s.u[t]);
    hn::Store(dt, d, s.dt[t]);
    hn::Store(hn::Mul(dt, u), d, s.input[t]);
    hn::Store(hn::Mul(skip, u), d, s.y[t]);
  }
}

// Where the backward pass goes from the segment at step `first`: the first row of the next one and
// the channel of its block that stands where at.channel stands; row -1 if there is none.
struct NextSegment {
  int64_t row, channel;
};
template <class T>
NextSegment next_segment(const SelectiveScanParams<T, T>& p, const Place& at, int64_t first) {
  const int64_t steps = segment_steps(p.length);
  const int64_t last = (segments(p.length) - 1) * steps;
  if (first > 0) return {at.b * p.length + first - steps, at.channel};
  if (at.channel + kChannels < p.width) return {at.b * p.length + last, at.channel + kChannels};
  if (at.b + 1 < p.batch) return {(at.b + 1) * p.length + last, at.channel % kChannels};
  return {-1, 0};
}

}  // namespace
}  // namespace icl::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
