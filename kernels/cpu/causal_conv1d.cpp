// SPDX-License-Identifier: Apache-2.0
//
// Causal depthwise convolution on the CPU: y_l = act(bias + sum_j w_j x_{l-(W-1)+j}).
//
// Vectorised over channels. The rows of a vector of channels are read where they lie: the W rows
// that one output needs were read W times in a row and are in the L1 cache. Bound by memory.
#include <algorithm>
#include <cstring>
#include <type_traits>

#include "hwy/aligned_allocator.h"
#include "kernels/causal_conv1d.h"
#include "kernels/cpu/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/causal_conv1d.cpp"
#include "hwy/foreach_target.h"
#include "kernels/cpu/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace icl::kernels::cpu::HWY_NAMESPACE {
namespace {

// Row l of x, l >= -(W-1): before the first come the rows of the initial state, or nothing.
template <class T>
const T* row_of(const CausalConv1dParams<T, T>& p, const Place& at, int64_t l) {
  if (l >= 0) return p.x + (at.b * p.length + l) * p.x_stride + at.channel;
  if (p.initial_state == nullptr) return nullptr;
  return p.initial_state + (at.b * (p.taps - 1) + l + p.taps - 1) * p.width + at.channel;
}

// `kTaps` is the number of taps where it is known, or 0.
template <int kTaps, class T>
HWY_INLINE V<T> convolve(const CausalConv1dParams<T, T>& p, const Place& at, int64_t l,
                         const T* weight, V<T> sum) {
  const Tag<T> d;
  const int64_t taps = kTaps == 0 ? p.taps : kTaps;
  if (l >= taps - 1) {
    const T* row = p.x + (at.b * p.length + l - (taps - 1)) * p.x_stride + at.channel;
    for (int64_t j = 0; j < taps; ++j) {
      sum = hn::MulAdd(hn::Load(d, weight + j * hn::Lanes(d)),
                       load_lanes(d, row + j * p.x_stride, at.lanes), sum);
    }
    return sum;
  }
  for (int64_t j = 0; j < taps; ++j) {
    const T* row = row_of(p, at, l - (taps - 1) + j);
    if (row == nullptr) continue;
    sum = hn::MulAdd(hn::Load(d, weight + j * hn::Lanes(d)), load_lanes(d, row, at.lanes), sum);
  }
  return sum;
}

// What one vector of channels needs of the parameters; [W][lanes].
template <class T>
void load_taps(const CausalConv1dParams<T, T>& p, const Place& at, T* weight) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(Tag<T>()));
  load_states(p.weight + at.channel * p.taps, p.taps, std::min(lanes, at.lanes), lanes, weight);
}

template <int kTaps, class T>
void forward_vector(const CausalConv1dParams<T, T>& p, const Place& at, T* weight) {
  const Tag<T> d;
  load_taps(p, at, weight);
  const auto bias = p.bias == nullptr ? hn::Zero(d) : load_lanes(d, p.bias + at.channel, at.lanes);
  for (int64_t l = 0; l < p.length; ++l) {
    auto y = convolve<kTaps>(p, at, l, weight, bias);
    if (p.silu) y = hn::Mul(y, sigmoid(d, y));
    store_lanes(d, y, p.y + (at.b * p.length + l) * p.width + at.channel, at.lanes);
  }
}

template <class T>
void forward(const CausalConv1dParams<T, T>& p, int64_t begin, int64_t end) {
  const auto weight = hwy::AllocateAligned<T>(p.taps * hn::Lanes(Tag<T>()));
  for_each_vector<T>(p.width, begin, end, [&](const Place& at) {
    p.taps == 4 ? forward_vector<4>(p, at, weight.get()) : forward_vector<0>(p, at, weight.get());
  });
}

// Of the backward pass: the taps, their gradients, and the gradients before the activation of one
// segment and of the W-1 rows after it. Behind the sums lies what they lost by rounding.
template <class T>
struct Scratch {
  hwy::AlignedFreeUniquePtr<T[]> weight, dweight, inner, dbias;

  Scratch(int64_t taps, int64_t lanes)
      : weight(hwy::AllocateAligned<T>(taps * lanes)),
        dweight(hwy::AllocateAligned<T>(2 * taps * lanes)),
        inner(hwy::AllocateAligned<T>((kSegment + taps - 1) * lanes)),
        dbias(hwy::AllocateAligned<T>(2 * lanes)) {}
};

// Rows [0, steps) of `inner`; returns the segment's share of dbias.
template <class T>
V<T> inner_gradients(const CausalConv1dGradParams<T, T>& g, const Place& at, int64_t first,
                     int64_t steps, V<T> bias, Scratch<T>& s) {
  const Tag<T> d;
  const CausalConv1dParams<T, T>& p = g.forward;
  auto sum = hn::Zero(d);
  for (int64_t t = 0; t < steps; ++t) {
    const int64_t l = first + t;
    auto inner = load_lanes(d, g.dy + (at.b * p.length + l) * g.dy_stride + at.channel, at.lanes);
    if (p.silu) inner = hn::Mul(inner, silu_slope(d, convolve<0>(p, at, l, &s.weight[0], bias)));
    hn::Store(inner, d, &s.inner[t * hn::Lanes(d)]);
    sum = hn::Add(sum, inner);
  }
  return sum;
}

// dx of row l: sum_j w_j inner[l + W-1 - j], of the rows that exist; `inner` begins with row l's.
template <class T>
V<T> input_gradient(const T* inner, const T* weight, int64_t first_tap, int64_t taps) {
  const Tag<T> d;
  auto sum = hn::Zero(d);
  for (int64_t j = first_tap; j < taps; ++j) {
    sum = hn::MulAdd(hn::Load(d, weight + j * hn::Lanes(d)),
                     hn::Load(d, inner + (taps - 1 - j) * static_cast<int64_t>(hn::Lanes(d))), sum);
  }
  return sum;
}

template <class T>
void weight_gradient(const CausalConv1dParams<T, T>& p, const Place& at, int64_t first,
                     int64_t steps, Scratch<T>& s) {
  const Tag<T> d;
  for (int64_t j = 0; j < p.taps; ++j) {
    auto sum = hn::Zero(d);
    for (int64_t t = 0; t < steps; ++t) {
      const T* row = row_of(p, at, first + t - (p.taps - 1) + j);
      if (row == nullptr) continue;
      sum = hn::MulAdd(hn::Load(d, &s.inner[t * hn::Lanes(d)]), load_lanes(d, row, at.lanes), sum);
    }
    T* total = &s.dweight[j * hn::Lanes(d)];
    add_to_total(sum, total, total + p.taps * static_cast<int64_t>(hn::Lanes(d)));
  }
}

template <class T>
void backward_vector(const CausalConv1dGradParams<T, T>& g, const Place& at, Scratch<T>& s,
                     T* dweight_parts, T* dbias_parts) {
  const Tag<T> d;
  const CausalConv1dParams<T, T>& p = g.forward;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  load_taps(p, at, &s.weight[0]);
  const auto bias = p.bias == nullptr ? hn::Zero(d) : load_lanes(d, p.bias + at.channel, at.lanes);
  std::fill_n(&s.dweight[0], 2 * p.taps * lanes, T(0));
  std::fill_n(&s.dbias[0], 2 * lanes, T(0));
  std::fill_n(&s.inner[0], (kSegment + p.taps - 1) * lanes, T(0));
  for (int64_t segment = segments(p.length) - 1; segment >= 0; --segment) {
    const int64_t first = segment * kSegment;
    const int64_t steps = std::min(kSegment, p.length - first);
    // The first rows of the segment done last follow this one's.
    std::memmove(&s.inner[steps * lanes], &s.inner[0],
                 static_cast<size_t>((p.taps - 1) * lanes) * sizeof(T));
    add_to_total(inner_gradients(g, at, first, steps, bias, s), &s.dbias[0], &s.dbias[lanes]);
    weight_gradient(p, at, first, steps, s);
    for (int64_t t = 0; t < steps; ++t) {
      store_lanes(d, input_gradient(&s.inner[t * lanes], &s.weight[0], 0, p.taps),
                  g.dx + (at.b * p.length + first + t) * p.width + at.channel, at.lanes);
    }
  }
  if (g.dinitial_state != nullptr) {
    for (int64_t row = 0; row < p.taps - 1; ++row) {  // as rows -(W-1) .. -1 of x
      // inner[row - j] for the taps j <= row.
      auto sum = hn::Zero(d);
      for (int64_t j = 0; j <= row; ++j) {
        sum = hn::MulAdd(hn::Load(d, &s.weight[j * lanes]),
                         hn::Load(d, &s.inner[(row - j) * lanes]), sum);
      }
      store_lanes(d, sum, g.dinitial_state + (at.b * (p.taps - 1) + row) * p.width + at.channel,
                  at.lanes);
    }
  }
  const int64_t channel = at.b * p.width + at.channel;
  store_states(&s.dweight[0], p.taps, std::min(lanes, at.lanes), lanes,
               dweight_parts + channel * p.taps);
  store_lanes(d, hn::Load(d, &s.dbias[0]), dbias_parts + channel, at.lanes);
}

template <class T>
void backward(const CausalConv1dGradParams<T, T>& g, T* dweight_parts, T* dbias_parts,
              int64_t begin, int64_t end) {
  Scratch<T> scratch(g.forward.taps, static_cast<int64_t>(hn::Lanes(Tag<T>())));
  for_each_vector<T>(g.forward.width, begin, end, [&](const Place& at) {
    backward_vector(g, at, scratch, dweight_parts, dbias_parts);
  });
}

void forward_float(const CausalConv1dParams<float, float>& p, int64_t begin, int64_t end) {
  forward(p, begin, end);
}
void forward_double(const CausalConv1dParams<double, double>& p, int64_t begin, int64_t end) {
  forward(p, begin, end);
}
void backward_float(const CausalConv1dGradParams<float, float>& g, float* dweight, float* dbias,
                    int64_t begin, int64_t end) {
  backward(g, dweight, dbias, begin, end);
}
void backward_double(const CausalConv1dGradParams<double, double>& g, double* dweight,
                     double* dbias, int64_t begin, int64_t end) {
  backward(g, dweight, dbias, begin, end);
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
void causal_conv1d_forward(const CausalConv1dParams<float, float>& params, int64_t begin,
                           int64_t end) {
  HWY_DYNAMIC_DISPATCH(forward_float)(params, begin, end);
}
template <>
void causal_conv1d_forward(const CausalConv1dParams<double, double>& params, int64_t begin,
                           int64_t end) {
  HWY_DYNAMIC_DISPATCH(forward_double)(params, begin, end);
}
template <>
void causal_conv1d_backward(const CausalConv1dGradParams<float, float>& params,
                            float* dweight_parts, float* dbias_parts, int64_t begin, int64_t end) {
  HWY_DYNAMIC_DISPATCH(backward_float)(params, dweight_parts, dbias_parts, begin, end);
}
template <>
void causal_conv1d_backward(const CausalConv1dGradParams<double, double>& params,
                            double* dweight_parts, double* dbias_parts, int64_t begin,
                            int64_t end) {
  HWY_DYNAMIC_DISPATCH(backward_double)(params, dweight_parts, dbias_parts, begin, end);
}

}  // namespace icl::kernels::cpu
#endif
