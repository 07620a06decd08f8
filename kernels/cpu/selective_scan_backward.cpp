// SPDX-License-Identifier: Apache-2.0
//
// Gradients of the selective scan on the CPU. Segments are visited in reverse, each recomputed from
// the state that the forward pass saved at its start: a second exponential for each (batch, step,
// channel, state) is the bound, beside about three times the forward's arithmetic.
// The one surprise: dB and dC, sums over channels, are kept as vectors over the channels of a block
// and summed across lanes only once for the whole block.
#include <algorithm>
#include <type_traits>

#include "hwy/aligned_allocator.h"
#include "kernels/cpu/kernels.h"
#include "kernels/selective_scan.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/selective_scan_backward.cpp"
#include "hwy/foreach_target.h"
#include "kernels/cpu/scan-inl.h"

HWY_BEFORE_NAMESPACE();
namespace icl::kernels::cpu::HWY_NAMESPACE {
namespace {

// Scratch of the backward pass of one block.
template <class T>
struct GradSegment {
  static constexpr int64_t kLanes = HWY_LANES(T);
  Segment<T> forward;
  HWY_ALIGN T dy[kSegment][kLanes];      // gradient of y before the gate
  HWY_ALIGN T dinput[kSegment][kLanes];  // of dt u
  HWY_ALIGN T ddt[kSegment][kLanes];     // of dt, through the decay
  HWY_ALIGN T slope[kSegment][kLanes];   // of dt as a function of delta
  HWY_ALIGN T gate[kSegment][kLanes];    // dz / y: dy times the slope of silu
};

// States within one tile of the backward pass: a tile's history of a segment stays in the L1 cache.
constexpr int kTile = 4;

// One step of a tile. The four lie side by side: 4096 bytes apart, the processor would take the one
// for the other and wait.
template <class T>
struct TileStep {
  static constexpr int64_t kLanes = HWY_LANES(T);
  HWY_ALIGN T before[kTile][kLanes];  // states before the step
  HWY_ALIGN T decay[kTile][kLanes];
  HWY_ALIGN T dB[kTile][kLanes];  // summed over the vectors of a block
  HWY_ALIGN T dC[kTile][kLanes];
};

// Where the pass goes from a segment: the first row of the next one, -1 if there is none, and the
// channel of its block that stands where at.channel stands.
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

// Starts loading what the next segment will read and write of its step t.
template <class T>
HWY_INLINE void fetch(const SelectiveScanGradParams<T, T>& g, const NextSegment& next, int64_t t) {
  const SelectiveScanParams<T, T>& p = g.forward;
  const int64_t row = next.row + t;
  if (next.row < 0 || row >= p.batch * p.length) return;
  fetch_inputs(p, row, next.channel);
  hwy::Prefetch(g.dy + row * g.dy_stride + next.channel);
  hwy::Prefetch(g.du + row * p.width + next.channel);
  hwy::Prefetch(g.ddelta + row * p.width + next.channel);
  if (p.z != nullptr) hwy::Prefetch(g.dz + row * p.width + next.channel);
}

// The gate: y = y_state silu(z), so dy_state = dy silu(z).
template <class T>
void prepare_gradient(const SelectiveScanGradParams<T, T>& g, const Place& at, int64_t first,
                      int64_t steps, GradSegment<T>& s) {
  const Tag<T> d;
  const SelectiveScanParams<T, T>& p = g.forward;
  prepare</*kGradients=*/true>(p, at, first, steps, s.forward, &s.slope[0][0]);
  for (int64_t t = 0; t < steps; ++t) {
    const int64_t row = at.b * p.length + first + t;
    auto dy = load_lanes(d, g.dy + row * g.dy_stride + at.channel, at.lanes);
    if (p.z != nullptr) {
      const auto z = load_lanes(d, p.z + row * p.z_stride + at.channel, at.lanes);
      const auto gate = sigmoid(d, z);
      const auto silu = hn::Mul(z, gate);
      // d silu / dz = gate (1 + z (1 - gate)) = gate + silu (1 - gate)
      const auto slope = hn::MulAdd(silu, hn::Sub(hn::Set(d, 1), gate), gate);
      hn::Store(hn::Mul(dy, slope), d, s.gate[t]);
      dy = hn::Mul(dy, silu);
    }
    hn::Store(dy, d, s.dy[t]);
    hn::Store(hn::Zero(d), d, s.dinput[t]);
    hn::Store(hn::Zero(d), d, s.ddt[t]);
  }
}

// What one vector of channels has for each of its states, [N][lanes].
template <class T>
struct StateRows {
  const T *A, *rates;  // these are for exp_product
  const T* start;      // the states before the segment
  T* dh;               // these carry on from segment to segment
  T *dA, *lost;
};

// States n .. n + kStates - 1 of one vector of channels: forward through the segment from the saved
// state, then backward.
template <class T, int kStates>
HWY_INLINE void scan_tile(const SelectiveScanGradParams<T, T>& g, const Place& at, int64_t first,
                          int64_t steps, int64_t n, const StateRows<T>& rows, GradSegment<T>& s,
                          TileStep<T>* tile) {
  const Tag<T> d;
  const SelectiveScanParams<T, T>& p = g.forward;
  const NextSegment next = next_segment(p, at, first);
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  V<T> state[kStates];
  V<T> a[kStates];
  for (int j = 0; j < kStates; ++j) {
    state[j] = hn::Load(d, rows.start + (n + j) * lanes);
    a[j] = hn::Load(d, rows.A + (n + j) * lanes);
  }
  for (int64_t t = 0; t < steps; ++t) {
    if (n == 0) fetch(g, next, t);
    const int64_t row = at.b * p.length + first + t;
    const T* B = p.B + row * p.B_stride + n;
    const T* C = p.C + row * p.C_stride + n;
    const auto dt = decay_step<T>(s.forward.dt[t]);
    const auto input = hn::Load(d, s.forward.input[t]);
    auto y = hn::Load(d, s.forward.y[t]);
    const auto dy = hn::Load(d, s.dy[t]);
    for (int j = 0; j < kStates; ++j) {
      const auto decay = exp_product(d, dt, hn::Load(d, rows.rates + (n + j) * lanes));
      hn::Store(state[j], d, tile[t].before[j]);
      hn::Store(decay, d, tile[t].decay[j]);
      state[j] = hn::MulAdd(decay, state[j], hn::Mul(input, hn::Set(d, B[j])));
      y = hn::MulAdd(state[j], hn::Set(d, C[j]), y);
      hn::Store(hn::MulAdd(dy, state[j], hn::Load(d, tile[t].dC[j])), d, tile[t].dC[j]);
    }
    hn::Store(y, d, s.forward.y[t]);
  }
  V<T> grad[kStates];
  V<T> grad_a[kStates];
  for (int j = 0; j < kStates; ++j) {
    grad[j] = hn::Load(d, rows.dh + (n + j) * lanes);
    grad_a[j] = hn::Zero(d);  // of this segment first: shorter chains of roundings
  }
  for (int64_t t = steps - 1; t >= 0; --t) {
    const int64_t row = at.b * p.length + first + t;
    const T* B = p.B + row * p.B_stride + n;
    const T* C = p.C + row * p.C_stride + n;
    const auto dt = hn::Load(d, s.forward.dt[t]);
    const auto input = hn::Load(d, s.forward.input[t]);
    const auto dy = hn::Load(d, s.dy[t]);
    auto dinput = hn::Zero(d);
    auto ddt = hn::Zero(d);
    for (int j = 0; j < kStates; ++j) {
      grad[j] = hn::MulAdd(dy, hn::Set(d, C[j]), grad[j]);
      hn::Store(hn::MulAdd(grad[j], input, hn::Load(d, tile[t].dB[j])), d, tile[t].dB[j]);
      dinput = hn::MulAdd(grad[j], hn::Set(d, B[j]), dinput);
      grad[j] = hn::Mul(grad[j], hn::Load(d, tile[t].decay[j]));
      const auto exponent = hn::Mul(grad[j], hn::Load(d, tile[t].before[j]));
      ddt = hn::MulAdd(exponent, a[j], ddt);
      grad_a[j] = hn::MulAdd(exponent, dt, grad_a[j]);
    }
    hn::Store(hn::Add(hn::Load(d, s.dinput[t]), dinput), d, s.dinput[t]);
    hn::Store(hn::Add(hn::Load(d, s.ddt[t]), ddt), d, s.ddt[t]);
  }
  for (int j = 0; j < kStates; ++j) {
    hn::Store(grad[j], d, rows.dh + (n + j) * lanes);
    add_to_total(grad_a[j], rows.dA + (n + j) * lanes, rows.lost + (n + j) * lanes);
  }
}

// Gradients of u, delta and z, and the shares of D and delta_bias, once all states are through.
// What the sums dD and dbias lost by rounding lies `lost` elements behind each.
template <class T>
void finish_gradient(const SelectiveScanGradParams<T, T>& g, const Place& at, int64_t first,
                     int64_t steps, const GradSegment<T>& s, T* dD, T* dbias, int64_t lost) {
  const Tag<T> d;
  const SelectiveScanParams<T, T>& p = g.forward;
  const auto skip = p.D == nullptr ? hn::Zero(d) : load_lanes(d, p.D + at.channel, at.lanes);
  auto sum_D = hn::Zero(d);
  auto sum_bias = hn::Zero(d);
  for (int64_t t = steps - 1; t >= 0; --t) {
    const int64_t row = at.b * p.length + first + t;
    const auto u = hn::Load(d, s.forward.u[t]);
    const auto dy = hn::Load(d, s.dy[t]);
    const auto dinput = hn::Load(d, s.dinput[t]);
    const auto du = hn::MulAdd(dinput, hn::Load(d, s.forward.dt[t]), hn::Mul(skip, dy));
    auto ddelta = hn::MulAdd(dinput, u, hn::Load(d, s.ddt[t]));
    if (p.delta_softplus) {
      ddelta = hn::Mul(ddelta, hn::Load(d, s.slope[t]));
    }
    sum_D = hn::MulAdd(dy, u, sum_D);
    sum_bias = hn::Add(sum_bias, ddelta);
    store_lanes(d, du, g.du + row * p.width + at.channel, at.lanes);
    store_lanes(d, ddelta, g.ddelta + row * p.width + at.channel, at.lanes);
    if (p.z != nullptr) {
      const auto dz = hn::Mul(hn::Load(d, s.gate[t]), hn::Load(d, s.forward.y[t]));
      store_lanes(d, dz, g.dz + row * p.width + at.channel, at.lanes);
    }
  }
  add_to_total(sum_D, dD, dD + lost);
  add_to_total(sum_bias, dbias, dbias + lost);
}

// Everything that one block of channels carries through the segments; vector v of the block has the
// rows [v][N][lanes]. Behind the sums dA, dD and dbias lies what each lost by rounding.
template <class T>
struct BlockScratch {
  hwy::AlignedFreeUniquePtr<T[]> A, rates, dh, dA, start, dD, dbias;
  hwy::AlignedFreeUniquePtr<GradSegment<T>[]> segments;
  hwy::AlignedFreeUniquePtr<TileStep<T>[]> tile;  // [kSegment]

  BlockScratch(int64_t vectors, int64_t n_state, int64_t lanes)
      : A(hwy::AllocateAligned<T>(vectors * n_state * lanes)),
        rates(hwy::AllocateAligned<T>(vectors * n_state * lanes)),
        dh(hwy::AllocateAligned<T>(vectors * n_state * lanes)),
        dA(hwy::AllocateAligned<T>(2 * vectors * n_state * lanes)),
        start(hwy::AllocateAligned<T>(vectors * n_state * lanes)),
        dD(hwy::AllocateAligned<T>(2 * vectors * lanes)),
        dbias(hwy::AllocateAligned<T>(2 * vectors * lanes)),
        segments(hwy::AllocateAligned<GradSegment<T>>(vectors)),
        tile(hwy::AllocateAligned<TileStep<T>>(kSegment)) {}
};

// Sums a tile's dB and dC over the lanes into their places [B, L, N] of this block of channels.
template <class T>
void reduce_tile(const SelectiveScanParams<T, T>& p, int64_t b, int64_t block, int64_t first,
                 int64_t steps, int64_t n, int64_t states, const TileStep<T>* tile,
                 const SelectiveScanPartials<T>& parts) {
  const Tag<T> d;
  for (int64_t t = 0; t < steps; ++t) {
    const int64_t row = (block * p.batch + b) * p.length + first + t;
    for (int64_t j = 0; j < states; ++j) {
      parts.dB[row * p.n_state + n + j] =
          hn::GetLane(hn::SumOfLanes(d, hn::Load(d, tile[t].dB[j])));
      parts.dC[row * p.n_state + n + j] =
          hn::GetLane(hn::SumOfLanes(d, hn::Load(d, tile[t].dC[j])));
    }
  }
}

template <class T>
void backward_segment(const SelectiveScanGradParams<T, T>& g, const SelectiveScanPartials<T>& parts,
                      int64_t b, int64_t block, int64_t first, int64_t steps,
                      BlockScratch<T>& scratch) {
  const Tag<T> d;
  const SelectiveScanParams<T, T>& p = g.forward;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t N = p.n_state;
  const int64_t begin = block * kChannels;
  const int64_t width = std::min(kChannels, p.width - begin);
  const int64_t vectors = (width + lanes - 1) / lanes;
  const T* saved = saved_states(p, b, first);
  const auto place = [&](int64_t v) { return Place{b, begin + v * lanes, width - v * lanes}; };
  for (int64_t v = 0; v < vectors; ++v) {
    prepare_gradient(g, place(v), first, steps, scratch.segments[v]);
    for (int64_t n = 0; n < N; ++n) {
      hn::Store(load_lanes(d, saved + n * p.width + place(v).channel, place(v).lanes), d,
                &scratch.start[(v * N + n) * lanes]);
    }
  }
  for (int64_t n = 0; n < N; n += kTile) {
    const int64_t states = std::min<int64_t>(kTile, N - n);
    TileStep<T>* const tile = scratch.tile.get();
    for (int64_t t = 0; t < steps; ++t) {
      std::fill_n(&tile[t].dB[0][0], kTile * TileStep<T>::kLanes, T(0));
      std::fill_n(&tile[t].dC[0][0], kTile * TileStep<T>::kLanes, T(0));
    }
    for (int64_t v = 0; v < vectors; ++v) {
      const int64_t offset = v * N * lanes;
      const auto run = [&](auto count, int64_t from) {
        const StateRows<T> rows{&scratch.A[offset],     &scratch.rates[offset],
                                &scratch.start[offset], &scratch.dh[offset],
                                &scratch.dA[offset],    &scratch.dA[vectors * N * lanes + offset]};
        scan_tile<T, decltype(count)::value>(g, place(v), first, steps, from, rows,
                                             scratch.segments[v], tile);
      };
      switch (states) {
        case 1:
          run(std::integral_constant<int, 1>(), n);
          break;
        case 2:
          run(std::integral_constant<int, 2>(), n);
          break;
        case 3:
          run(std::integral_constant<int, 3>(), n);
          break;
        default:
          run(std::integral_constant<int, kTile>(), n);
          break;
      }
    }
    reduce_tile(p, b, block, first, steps, n, states, tile, parts);
  }
  for (int64_t v = 0; v < vectors; ++v) {
    finish_gradient(g, place(v), first, steps, scratch.segments[v], &scratch.dD[v * lanes],
                    &scratch.dbias[v * lanes], vectors * lanes);
  }
}

template <class T>
void backward_block(const SelectiveScanGradParams<T, T>& g, const SelectiveScanPartials<T>& parts,
                    int64_t b, int64_t block, BlockScratch<T>& scratch) {
  const Tag<T> d;
  const SelectiveScanParams<T, T>& p = g.forward;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t N = p.n_state;
  const int64_t begin = block * kChannels;
  const int64_t width = std::min(kChannels, p.width - begin);
  const int64_t vectors = (width + lanes - 1) / lanes;
  std::fill_n(&scratch.dA[0], 2 * vectors * N * lanes, T(0));
  std::fill_n(&scratch.dD[0], 2 * vectors * lanes, T(0));
  std::fill_n(&scratch.dbias[0], 2 * vectors * lanes, T(0));
  for (int64_t v = 0; v < vectors; ++v) {
    const int64_t channel = begin + v * lanes;
    const int64_t count = std::min(lanes, p.width - channel);
    const int64_t offset = (b * p.width + channel) * N;
    load_states(p.A + channel * N, N, count, lanes, &scratch.A[v * N * lanes]);
    scale_rates(&scratch.A[v * N * lanes], N * lanes, &scratch.rates[v * N * lanes]);
    load_states(g.dlast_state == nullptr ? nullptr : g.dlast_state + offset, N, count, lanes,
                &scratch.dh[v * N * lanes]);
  }
  for (int64_t segment = segments(p.length) - 1; segment >= 0; --segment) {
    const int64_t first = segment * segment_steps(p.length);
    const int64_t steps = std::min(segment_steps(p.length), p.length - first);
    backward_segment(g, parts, b, block, first, steps, scratch);
  }
  for (int64_t v = 0; v < vectors; ++v) {
    const int64_t channel = begin + v * lanes;
    const int64_t count = std::min(lanes, p.width - channel);
    const int64_t offset = b * p.width + channel;
    store_states(&scratch.dA[v * N * lanes], N, count, lanes, parts.dA + offset * N);
    if (g.dinitial_state != nullptr) {
      store_states(&scratch.dh[v * N * lanes], N, count, lanes, g.dinitial_state + offset * N);
    }
    store_lanes(d, hn::Load(d, &scratch.dD[v * lanes]), parts.dD + offset, count);
    store_lanes(d, hn::Load(d, &scratch.dbias[v * lanes]), parts.ddelta_bias + offset, count);
  }
}

template <class T>
void backward(const SelectiveScanGradParams<T, T>& g, const SelectiveScanPartials<T>& parts,
              int64_t begin, int64_t end) {
  const SelectiveScanParams<T, T>& p = g.forward;
  const auto lanes = static_cast<int64_t>(hn::Lanes(Tag<T>()));
  BlockScratch<T> scratch((kChannels + lanes - 1) / lanes, p.n_state, lanes);
  const int64_t blocks = channel_blocks(p.width);
  for (int64_t i = begin; i < end; ++i) backward_block(g, parts, i / blocks, i % blocks, scratch);
}

void backward_float(const SelectiveScanGradParams<float, float>& g,
                    const SelectiveScanPartials<float>& parts, int64_t begin, int64_t end) {
  backward(g, parts, begin, end);
}
void backward_double(const SelectiveScanGradParams<double, double>& g,
                     const SelectiveScanPartials<double>& parts, int64_t begin, int64_t end) {
  backward(g, parts, begin, end);
}

}  // namespace
}  // namespace icl::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace icl::kernels::cpu {

HWY_EXPORT(backward_float);
HWY_EXPORT(backward_double);

template <>
void selective_scan_backward(const SelectiveScanGradParams<float, float>& params,
                             const SelectiveScanPartials<float>& partials, int64_t begin,
                             int64_t end) {
  HWY_DYNAMIC_DISPATCH(backward_float)(params, partials, begin, end);
}
template <>
void selective_scan_backward(const SelectiveScanGradParams<double, double>& params,
                             const SelectiveScanPartials<double>& partials, int64_t begin,
                             int64_t end) {
  HWY_DYNAMIC_DISPATCH(backward_double)(params, partials, begin, end);
}

}  // namespace icl::kernels::cpu
#endif
