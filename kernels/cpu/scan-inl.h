// SPDX-License-Identifier: Apache-2.0
//
// What the forward and the backward selective scan share: a segment of steps prepared for one
// vector of channels. Included once for each SIMD target.
#include <algorithm>

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/math-inl.h"

#if defined(ICL_KERNELS_CPU_SCAN_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ICL_KERNELS_CPU_SCAN_INL_H_
#undef ICL_KERNELS_CPU_SCAN_INL_H_
#else
#define ICL_KERNELS_CPU_SCAN_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace icl::kernels::cpu::HWY_NAMESPACE {
namespace {

template <class T>
using Tag = hn::ScalableTag<T>;
template <class T>
using V = hn::Vec<Tag<T>>;

// What one vector of channels needs of a segment; each row is one step.
template <class T>
struct Segment {
  static constexpr int64_t kLanes = HWY_LANES(T);
  HWY_ALIGN T u[kSegment][kLanes];
  HWY_ALIGN T raw[kSegment][kLanes];  // delta + bias, before softplus
  HWY_ALIGN T dt[kSegment][kLanes];
  HWY_ALIGN T input[kSegment][kLanes];  // dt u
  HWY_ALIGN T y[kSegment][kLanes];      // before the gate
};

// The place of one vector of channels in the tensors.
struct Place {
  int64_t b, channel, lanes;
};

template <class T>
void prepare(const SelectiveScanParams<T, T>& p, const Place& at, int64_t first, int64_t steps,
             Segment<T>& s) {
  const Tag<T> d;
  const auto bias =
      p.delta_bias == nullptr ? hn::Zero(d) : load_lanes(d, p.delta_bias + at.channel, at.lanes);
  const auto skip = p.D == nullptr ? hn::Zero(d) : load_lanes(d, p.D + at.channel, at.lanes);
  for (int64_t t = 0; t < steps; ++t) {
    const int64_t row = at.b * p.length + first + t;
    const auto u = load_lanes(d, p.u + row * p.u_stride + at.channel, at.lanes);
    const auto raw =
        hn::Add(load_lanes(d, p.delta + row * p.delta_stride + at.channel, at.lanes), bias);
    const auto dt = p.delta_softplus ? softplus(d, raw) : raw;
    hn::Store(u, d, s.u[t]);
    hn::Store(raw, d, s.raw[t]);
    hn::Store(dt, d, s.dt[t]);
    hn::Store(hn::Mul(dt, u), d, s.input[t]);
    hn::Store(hn::Mul(skip, u), d, s.y[t]);
  }
}

// [channel][N] in memory to and from [N][lanes].
template <class T>
void load_states(const T* from, int64_t n_state, int64_t count, int64_t lanes, T* to) {
  std::fill(to, to + n_state * lanes, T(0));
  if (from == nullptr) return;
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t n = 0; n < n_state; ++n) to[n * lanes + i] = from[i * n_state + n];
  }
}
template <class T>
void store_states(const T* from, int64_t n_state, int64_t count, int64_t lanes, T* to) {
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t n = 0; n < n_state; ++n) to[i * n_state + n] = from[n * lanes + i];
  }
}

}  // namespace
}  // namespace icl::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
