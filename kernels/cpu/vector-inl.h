// SPDX-License-Identifier: Apache-2.0
//
// What the kernels vectorised over channels share. Included once for each SIMD target.
#include <algorithm>

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/math-inl.h"

#if defined(ICL_KERNELS_CPU_VECTOR_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ICL_KERNELS_CPU_VECTOR_INL_H_
#undef ICL_KERNELS_CPU_VECTOR_INL_H_
#else
#define ICL_KERNELS_CPU_VECTOR_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace icl::kernels::cpu::HWY_NAMESPACE {
namespace {

template <class T>
using Tag = hn::ScalableTag<T>;
template <class T>
using V = hn::Vec<Tag<T>>;

// The place of one vector of channels in the tensors: prompt, first channel, channels from there
// to the end of the block (more than a vector's lanes if others follow).
struct Place {
  int64_t b, channel, lanes;
};

// Calls work(Place) for every vector of channels of the blocks [begin, end), numbered
// b channel_blocks(width) + block.
template <class T, class Work>
HWY_INLINE void for_each_vector(int64_t width, int64_t begin, int64_t end, const Work& work) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(Tag<T>()));
  const int64_t blocks = channel_blocks(width);
  for (int64_t block = begin; block < end; ++block) {
    const int64_t first = block % blocks * kChannels;
    const int64_t last = std::min(width, first + kChannels);
    for (int64_t channel = first; channel < last; channel += lanes) {
      work(Place{block / blocks, channel, last - channel});
    }
  }
}

// total += value, keeping in `lost` what rounding took away (Kahan): for sums over many segments.
template <class T>
HWY_INLINE void add_to_total(V<T> value, T* total, T* lost) {
  const Tag<T> d;
  const auto before = hn::Load(d, total);
  const auto more = hn::Sub(value, hn::Load(d, lost));
  const auto after = hn::Add(before, more);
  hn::Store(hn::Sub(hn::Sub(after, before), more), d, lost);
  hn::Store(after, d, total);
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
