// SPDX-License-Identifier: Apache-2.0
//
// The delta rule on the CPU. Bound by arithmetic: five fused products for each element of the state
// and token (three without a and b), the state [K, W lanes] in the first-level cache.
#include <algorithm>

#include "kernels/cpu/kernels.h"
#include "kernels/delta_rule.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/delta_rule.cpp"
#include "hwy/foreach_target.h"
#include "kernels/cpu/delta_rule-inl.h"

HWY_BEFORE_NAMESPACE();
namespace icl::kernels::cpu::HWY_NAMESPACE {
namespace {

template <class T>
struct ForwardScratch {
  static constexpr int64_t kColumns = kColumnVectors * HWY_LANES(T);
  hwy::AlignedFreeUniquePtr<T[]> state, decay;
  HWY_ALIGN T v[kColumns];
  HWY_ALIGN T u[kColumns];
  HWY_ALIGN T y[kColumns];

  explicit ForwardScratch(int64_t key)
      : state(hwy::AllocateAligned<T>(key * kColumns)),
        decay(hwy::AllocateAligned<T>(padded<T>(key))) {}
};

template <int W, bool kDelta, class T>
void forward_columns(const Head<T>& head, int64_t first, int64_t count, ForwardScratch<T>& s) {
  const Tag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const DeltaRuleParams<T, T>& p = head.p;
  T* const state = s.state.get();
  const T* initial = p.initial_state == nullptr ? nullptr : head.state(p.initial_state, first);
  load_rows<W>(initial, p.key, p.value, count, state);
  if (kDelta && p.length > 0) read_state<W>(head.second(0), p.key, state, s.u);
  const auto scale = hn::Set(d, static_cast<T>(p.scale));
  for (int64_t t = 0; t < p.length; ++t) {
    if (p.saved != nullptr && t % kDeltaSegment == 0) {
      store_rows<W>(state, p.key, p.value, count, head.saved(t / kDeltaSegment, first));
    }
    head.decays(t, s.decay.get());
    load_rows<W>(head.v(t) + first, 1, 0, count, s.v);
    step<W, kDelta, true>(factors(head, t, s.decay.get()), p.key, state, state, s.v, s.u, s.y, s.u);
    for (int c = 0; c < W; ++c) {
      hn::Store(hn::Mul(scale, hn::Load(d, s.y + c * lanes)), d, s.y + c * lanes);
    }
    store_rows<W>(s.y, 1, 0, count, p.y + (head.row(t) * p.heads + head.h) * p.value + first);
  }
  store_rows<W>(state, p.key, p.value, count, head.state(p.last_state, first));
}

template <class T>
void forward(const DeltaRuleParams<T, T>& p, int64_t begin, int64_t end) {
  ForwardScratch<T> scratch(p.key);
  for (int64_t block = begin; block < end; ++block) {
    const Head<T> head{p, block / p.heads, block % p.heads};
    for_columns<T>(p.value, [&]<int W>(int64_t first, int64_t count) {
      p.a == nullptr ? forward_columns<W, false>(head, first, count, scratch)
                     : forward_columns<W, true>(head, first, count, scratch);
    });
  }
}

void forward_float(const DeltaRuleParams<float, float>& p, int64_t begin, int64_t end) {
  forward(p, begin, end);
}
void forward_double(const DeltaRuleParams<double, double>& p, int64_t begin, int64_t end) {
  forward(p, begin, end);
}

}  // namespace
}  // namespace icl::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace icl::kernels::cpu {

HWY_EXPORT(forward_float);
HWY_EXPORT(forward_double);

template <>
void delta_rule_forward(const DeltaRuleParams<float, float>& params, int64_t begin, int64_t end) {
  HWY_DYNAMIC_DISPATCH(forward_float)(params, begin, end);
}
template <>
void delta_rule_forward(const DeltaRuleParams<double, double>& params, int64_t begin, int64_t end) {
  HWY_DYNAMIC_DISPATCH(forward_double)(params, begin, end);
}

}  // namespace icl::kernels::cpu
#endif
