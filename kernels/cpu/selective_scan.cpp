// SPDX-License-Identifier: Apache-2.0
//
// Selective scan on the CPU: h <- exp(dt A) h + dt u B, y = C.h + D u, gated by silu(z).
//
// Vectorised over channels, sequential in time. A segment of steps is prepared once (dt, dt u),
// then the states pass through it a few at a time, held in registers; B and C are broadcast. The
// exponential of the decay is the bound, one for each (batch, step, channel, state): of the 14
// arithmetic instructions for a vector of these it takes 11 (AVX-512). A Zen 4 could do them in 7.5
// cycles, and does in about 9.
#include <algorithm>
#include <type_traits>

#include "hwy/aligned_allocator.h"
#include "kernels/cpu/kernels.h"
#include "kernels/selective_scan.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/selective_scan.cpp"
#include "hwy/foreach_target.h"
#include "kernels/cpu/scan-inl.h"

HWY_BEFORE_NAMESPACE();
namespace icl::kernels::cpu::HWY_NAMESPACE {
namespace {

// Starts loading what the segment behind this one will read and write of row `row`. Behind the last
// row comes the next block of channels.
template <class T>
HWY_INLINE void fetch(const SelectiveScanParams<T, T>& p, int64_t row, int64_t channel) {
  const int64_t rows = p.batch * p.length;
  if (row >= rows) {
    row -= rows;
    channel += kChannels;
    if (row >= rows || channel >= p.width) return;
  }
  fetch_inputs(p, row, channel);
  hwy::Prefetch(p.y + row * p.width + channel);
}

// States n .. n + kStates - 1 through a segment. `rates`, A in the unit of exp_product,
// and `h` are [N][lanes].
template <class T, int kStates, bool kQueries>
HWY_INLINE void scan_states(const SelectiveScanParams<T, T>& p, const Place& at, int64_t first,
                            int64_t steps, int64_t n, const T* rates, T* h, Segment<T>& s,
                            const bool* is_query) {
  const Tag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  V<T> state[kStates];
  for (int j = 0; j < kStates; ++j) {
    state[j] = hn::Load(d, h + (n + j) * lanes);
  }
  const int64_t row = at.b * p.length + first;
  const T* B = p.B + row * p.B_stride + n;
  const T* C = p.C + row * p.C_stride + n;
  for (int64_t t = 0; t < steps; ++t, B += p.B_stride, C += p.C_stride) {
    if (n == 0) fetch(p, row + steps + t, at.channel);
    const auto dt = decay_step<T>(s.dt[t]);
    const auto input = hn::Load(d, s.input[t]);
    auto sum = hn::Zero(d);  // of these states first: shorter chains of roundings
    V<T> before[kStates];
    for (int j = 0; j < kStates && kQueries; ++j) before[j] = state[j];
    for (int j = 0; j < kStates; ++j) {
      const auto decay = exp_product(d, dt, hn::Load(d, rates + (n + j) * lanes));
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

// One vector of channels through a segment.
template <bool kQueries, class T>
void scan_segment(const SelectiveScanParams<T, T>& p, const Place& at, int64_t first, int64_t steps,
                  const T* rates, T* h, Segment<T>& s, const bool* is_query) {
  const Tag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t N = p.n_state;
  if (p.saved != nullptr) {
    T* saved = saved_states(p, at.b, first);
    for (int64_t n = 0; n < N; ++n) {
      store_lanes(d, hn::Load(d, h + n * lanes), saved + n * p.width + at.channel, at.lanes);
    }
  }
  prepare</*kGradients=*/false>(p, at, first, steps, s, static_cast<T*>(nullptr));
  int64_t n = 0;
  const auto run = [&](auto count) {
    constexpr int kStates = decltype(count)::value;
    for (; n + kStates <= N; n += kStates) {
      scan_states<T, kStates, kQueries>(p, at, first, steps, n, rates, h, s, is_query);
    }
  };
  if constexpr (HWY_TARGET <= HWY_AVX3) {  // 32 registers; of 16 the exponential takes most
    run(std::integral_constant<int, 16>());
    run(std::integral_constant<int, 8>());
  }
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

// Scratch of one block of channels, whose vector v has the rows [v][N][lanes].
template <class T>
struct BlockScratch {
  hwy::AlignedFreeUniquePtr<T[]> rates, h;
  hwy::AlignedFreeUniquePtr<Segment<T>[]> segment;
  int64_t block = -1;  // whose rates these are

  BlockScratch(int64_t n_state, int64_t lanes)
      : rates(hwy::AllocateAligned<T>((kChannels + lanes) * n_state)),
        h(hwy::AllocateAligned<T>((kChannels + lanes) * n_state)),
        segment(hwy::AllocateAligned<Segment<T>>(1)) {}
};

// One block of channels of one prompt. All vectors pass a segment before the next one: they share
// pages and lines of the arguments.
template <bool kQueries, class T>
void forward_block(const SelectiveScanParams<T, T>& p, int64_t b, int64_t block,
                   BlockScratch<T>& scratch, const bool* is_query) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(Tag<T>()));
  const int64_t rows = p.n_state * lanes;
  const int64_t begin = block * kChannels;
  const int64_t width = std::min(kChannels, p.width - begin);
  const auto each = [&](const auto& work) {
    for (int64_t at = 0; at < width; at += lanes) {
      work(Place{b, begin + at, width - at}, at / lanes * rows,
           (b * p.width + begin + at) * p.n_state);
    }
  };
  each([&](const Place& at, int64_t row, int64_t state) {
    const int64_t count = std::min(lanes, at.lanes);
    T* const h = &scratch.h[row];
    if (scratch.block != block) {
      load_states(p.A + at.channel * p.n_state, p.n_state, count, lanes, h);
      scale_rates(h, rows, &scratch.rates[row]);
    }
    load_states(p.initial_state == nullptr ? nullptr : p.initial_state + state, p.n_state, count,
                lanes, h);
  });
  scratch.block = block;
  const int64_t most = segment_steps(p.length);
  for (int64_t first = 0; first < p.length; first += most) {
    const int64_t steps = std::min(most, p.length - first);
    each([&](const Place& at, int64_t row, int64_t) {
      scan_segment<kQueries>(p, at, first, steps, &scratch.rates[row], &scratch.h[row],
                             scratch.segment[0], is_query);
    });
  }
  if (p.last_state == nullptr) return;
  each([&](const Place& at, int64_t row, int64_t state) {
    store_states(&scratch.h[row], p.n_state, std::min(lanes, at.lanes), lanes,
                 p.last_state + state);
  });
}

template <class T>
void forward(const SelectiveScanParams<T, T>& p, int64_t begin, int64_t end, const bool* is_query) {
  BlockScratch<T> scratch(p.n_state, static_cast<int64_t>(hn::Lanes(Tag<T>())));
  for (int64_t i = begin; i < end; ++i) {  // a block of channels after the other: see `rates`
    is_query == nullptr ? forward_block<false>(p, i % p.batch, i / p.batch, scratch, is_query)
                        : forward_block<true>(p, i % p.batch, i / p.batch, scratch, is_query);
  }
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
