// SPDX-License-Identifier: Apache-2.0
//
// Selective scan on the CPU: h <- exp(dt A) h + dt u B, y = C.h + D u, gated by silu(z).
//
// Vectorised over channels, sequential in time. A segment of steps is prepared once (dt, dt u),
// then the states pass through it a few at a time, held in registers; B and C are broadcast. The
// exponential of the decay is the bound: one for each (batch, step, channel, state).
#include <algorithm>
#include <type_traits>

#include "hwy/aligned_allocator.h"
#include "kernels/cpu/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/selective_scan.cpp"
#include "hwy/foreach_target.h"
#include "kernels/cpu/scan-inl.h"

HWY_BEFORE_NAMESPACE();
namespace icl::kernels::cpu::HWY_NAMESPACE {
namespace {

// States n .. n + kStates - 1 through a segment. `high` and `low`, parts of A, and `h` are
// [N][lanes].
template <class T, int kStates, bool kQueries>
HWY_INLINE void scan_states(const SelectiveScanParams<T, T>& p, const Place& at, int64_t first,
                            int64_t steps, int64_t n, const T* high, const T* low, T* h,
                            Segment<T>& s, const bool* is_query) {
  const Tag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  V<T> state[kStates];
  for (int j = 0; j < kStates; ++j) {
    state[j] = hn::Load(d, h + (n + j) * lanes);
  }
  for (int64_t t = 0; t < steps; ++t) {
    const int64_t row = at.b * p.length + first + t;
    const T* B = p.B + row * p.B_stride + n;
    const T* C = p.C + row * p.C_stride + n;
    const auto dt = decay_step<T>(s.dt[t]);
    const auto input = hn::Load(d, s.input[t]);
    auto sum = hn::Zero(d);  // of these states first: shorter chains of roundings
    V<T> before[kStates];
    for (int j = 0; j < kStates && kQueries; ++j) before[j] = state[j];
    for (int j = 0; j < kStates; ++j) {
      const auto decay = exp_product(d, dt, hn::Load(d, high + (n + j) * lanes),
                                     hn::Load(d, low + (n + j) * lanes));
      state[j] = hn::MulAdd(decay, state[j], hn::Mul(input, hn::Set(d, B[j])));
      sum = hn::MulAdd(state[j], hn::Set(d, C[j]), sum);
    }
    hn::Store(hn::Add(hn::Load(d, s.y[t]), sum), d, s.y[t]);
    if (kQueries && is_query[first + t]) {
      for (int j = 0; j < kStates; ++j) state[j] = before[j];
    }
  }
  for (int j = 0; j < kStates; ++j) hn::Store(state[j], d, h + (n + j) * lanes);
}

template <bool kQueries, class T>
void forward_vector(const SelectiveScanParams<T, T>& p, const Place& at, T* scratch, Segment<T>& s,
                    const bool* is_query) {
  const Tag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t N = p.n_state;
  T* const h = scratch;
  T* const high = scratch + N * lanes;
  T* const low = scratch + 2 * N * lanes;
  load_states(p.A + at.channel * N, N, std::min(lanes, at.lanes), lanes, h);
  split_rates(h, N * lanes, high, low);
  const int64_t state_offset = (at.b * p.width + at.channel) * N;
  load_states(p.initial_state == nullptr ? nullptr : p.initial_state + state_offset, N,
              std::min(lanes, at.lanes), lanes, h);
  for (int64_t first = 0; first < p.length; first += kSegment) {
    const int64_t steps = std::min(kSegment, p.length - first);
    if (p.saved != nullptr) {
      T* saved = p.saved + (at.b * segments(p.length) + first / kSegment) * N * p.width;
      for (int64_t n = 0; n < N; ++n) {
        store_lanes(d, hn::Load(d, h + n * lanes), saved + n * p.width + at.channel, at.lanes);
      }
    }
    prepare(p, at, first, steps, s, /*slope=*/static_cast<T*>(nullptr));
    int64_t n = 0;
    const auto run = [&](auto count) {
      constexpr int kStates = decltype(count)::value;
      for (; n + kStates <= N; n += kStates) {
        scan_states<T, kStates, kQueries>(p, at, first, steps, n, high, low, h, s, is_query);
      }
    };
    run(std::integral_constant<int, 8>());
    run(std::integral_constant<int, 4>());
    run(std::integral_constant<int, 1>());
    for (int64_t t = 0; t < steps; ++t) {
      const int64_t row = at.b * p.length + first + t;
      auto y = hn::Load(d, s.y[t]);
      if (p.z != nullptr) {
        const auto z = load_lanes(d, p.z + row * p.z_stride + at.channel, at.lanes);
        y = hn::Mul(y, hn::Mul(z, sigmoid(d, z)));
      }
      store_lanes(d, y, p.y + row * p.width + at.channel, at.lanes);
    }
  }
  if (p.last_state != nullptr) {
    store_states(h, N, std::min(lanes, at.lanes), lanes, p.last_state + state_offset);
  }
}

template <class T>
void forward(const SelectiveScanParams<T, T>& p, int64_t begin, int64_t end, const bool* is_query) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(Tag<T>()));
  const auto scratch = hwy::AllocateAligned<T>(3 * p.n_state * lanes);
  const auto segment = hwy::AllocateAligned<Segment<T>>(1);
  for_each_vector<T>(p.width, begin, end, [&](const Place& at) {
    is_query == nullptr ? forward_vector<false>(p, at, scratch.get(), segment[0], is_query)
                        : forward_vector<true>(p, at, scratch.get(), segment[0], is_query);
  });
}

void forward_float(const SelectiveScanParams<float, float>& p, int64_t begin, int64_t end,
                   const bool* is_query) {
  forward(p, begin, end, is_query);
}
void forward_double(const SelectiveScanParams<double, double>& p, int64_t begin, int64_t end,
                    const bool* is_query) {
  forward(p, begin, end, is_query);
}

}  // namespace
}  // namespace icl::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace icl::kernels::cpu {

HWY_EXPORT(forward_float);
HWY_EXPORT(forward_double);

template <>
void selective_scan_forward(const SelectiveScanParams<float, float>& params, int64_t begin,
                            int64_t end, const bool* is_query) {
  HWY_DYNAMIC_DISPATCH(forward_float)(params, begin, end, is_query);
}
template <>
void selective_scan_forward(const SelectiveScanParams<double, double>& params, int64_t begin,
                            int64_t end, const bool* is_query) {
  HWY_DYNAMIC_DISPATCH(forward_double)(params, begin, end, is_query);
}

}  // namespace icl::kernels::cpu
#endif
