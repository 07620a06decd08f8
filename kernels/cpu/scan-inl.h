// SPDX-License-Identifier: Apache-2.0
//
// What the forward and the backward selective scan share: a segment of steps prepared for one
// vector of channels. Included once for each SIMD target.
#include "hwy/cache_control.h"
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

// The states [N, I] that the forward pass saved before the segment at step `first`.
template <class T>
T* saved_states(const SelectiveScanParams<T, T>& p, int64_t b, int64_t first) {
  const int64_t segment = b * segments(p.length) + first / segment_steps(p.length);
  return p.saved + segment * p.n_state * p.width;
}

// Starts loading what a later segment reads of row `row` (b length + l): the rows lie too far apart
// for the hardware to foresee.
template <class T>
HWY_INLINE void fetch_inputs(const SelectiveScanParams<T, T>& p, int64_t row, int64_t channel) {
  hwy::Prefetch(p.u + row * p.u_stride + channel);
  hwy::Prefetch(p.delta + row * p.delta_stride + channel);
  if (p.z != nullptr) hwy::Prefetch(p.z + row * p.z_stride + channel);
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

}  // namespace
}  // namespace icl::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
