// SPDX-License-Identifier: Apache-2.0
//
// Long causal convolution on the CPU: y_l = sum_{j<=l} k_j u_{l-j} + D u_l.
//
// Vectorised over channels. Up to kDirectLength the sums are made as they stand, a tile of outputs
// of several prompts held in registers: (prompts x outputs) products for (prompts + outputs) loads.
// Beyond, they are made by Fourier transforms (see fourier-inl.h).
#include <algorithm>
#include <type_traits>

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/long_conv.h"
#include "kernels/long_conv.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/long_conv.cpp"
#include "hwy/foreach_target.h"
#include "kernels/cpu/fourier-inl.h"
#include "kernels/cpu/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace icl::kernels::cpu::HWY_NAMESPACE {
namespace {

// Outputs l .. l + kOutputs - 1 of prompts b .. b + kBatch - 1, one vector of channels.
// Whole vectors need no test at each load.
template <bool kWhole, class D, class T>
HWY_INLINE hn::Vec<D> load_some(D d, const T* from, int64_t lanes) {
  if constexpr (kWhole) return hn::LoadU(d, from);
  return load_lanes(d, from, lanes);
}

template <bool kWhole, int kBatch, int kOutputs, class T>
HWY_INLINE void direct_tile(const Convolution<T>& c, int64_t b, int64_t l, int64_t channel,
                            int64_t lanes) {
  const Tag<T> d;
  V<T> total[kBatch][kOutputs];
  const auto skip = c.D == nullptr ? hn::Zero(d) : load_lanes(d, c.D + channel, lanes);
  for (int i = 0; i < kBatch; ++i) {
    for (int o = 0; o < kOutputs; ++o) {
      total[i][o] = hn::Mul(skip, load_lanes(d, c.u.at(b + i, l + o, channel), lanes));
    }
  }
  for (int64_t start = 0; start < l + kOutputs; start += kChain) {
    V<T> sum[kBatch][kOutputs];
    for (int i = 0; i < kBatch; ++i) {
      for (int o = 0; o < kOutputs; ++o) sum[i][o] = hn::Zero(d);
    }
    const int64_t stop = std::min(start + kChain, l + kOutputs);
    const int64_t whole = std::min(stop, l + 1);  // before it every output has the product
    int64_t s = start;
    for (; s < whole; ++s) {
      V<T> u[kBatch];
      for (int i = 0; i < kBatch; ++i)
        u[i] = load_some<kWhole>(d, c.u.at(b + i, s, channel), lanes);
      for (int o = 0; o < kOutputs; ++o) {
        const auto k = load_some<kWhole>(d, c.k + (l + o - s) * c.channels + channel, lanes);
        for (int i = 0; i < kBatch; ++i) sum[i][o] = hn::MulAdd(u[i], k, sum[i][o]);
      }
    }
    for (; s < stop; ++s) {
      for (int o = 0; o < kOutputs; ++o) {
        if (l + o < s) continue;
        const auto k = load_some<kWhole>(d, c.k + (l + o - s) * c.channels + channel, lanes);
        for (int i = 0; i < kBatch; ++i) {
          const auto u = load_some<kWhole>(d, c.u.at(b + i, s, channel), lanes);
          sum[i][o] = hn::MulAdd(u, k, sum[i][o]);
        }
      }
    }
    for (int i = 0; i < kBatch; ++i) {
      for (int o = 0; o < kOutputs; ++o) total[i][o] = hn::Add(total[i][o], sum[i][o]);
    }
  }
  for (int i = 0; i < kBatch; ++i) {
    for (int o = 0; o < kOutputs; ++o) {
      store_lanes(d, total[i][o], c.y.at(b + i, l + o, channel), lanes);
    }
  }
}

template <bool kWhole, int kBatch, class T>
void direct_prompts(const Convolution<T>& c, int64_t b, int64_t channel, int64_t lanes) {
  constexpr int kOutputs = 4;
  int64_t l = 0;
  for (; l + kOutputs <= c.length; l += kOutputs) {
    direct_tile<kWhole, kBatch, kOutputs>(c, b, l, channel, lanes);
  }
  for (; l < c.length; ++l) direct_tile<kWhole, kBatch, 1>(c, b, l, channel, lanes);
}

template <class T>
void convolve_direct(const Convolution<T>& c, int64_t b, int64_t prompts, int64_t channel,
                     int64_t lanes) {
  constexpr int kTogether = 4;
  const auto run = [&](auto whole) {
    int64_t i = 0;
    for (; i + kTogether <= prompts; i += kTogether) {
      direct_prompts<decltype(whole)::value, kTogether>(c, b + i, channel, lanes);
    }
    for (; i < prompts; ++i) direct_prompts<decltype(whole)::value, 1>(c, b + i, channel, lanes);
  };
  lanes >= static_cast<int64_t>(hn::Lanes(Tag<T>())) ? run(std::true_type())
                                                     : run(std::false_type());
}

inline bool direct(int64_t length) {
  return length <= kDirectLength;
}

template <class T>
void convolve(const Convolution<T>& c, int64_t begin, int64_t end) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(Tag<T>()));
  const int64_t blocks = blocks_of(c.channels, kWidth);
  Fourier<T> fourier(direct(c.length) ? 0 : c.length);
  for (int64_t block = begin; block < end; ++block) {
    const int64_t b = block / blocks * kPrompts;
    const int64_t prompts = std::min(kPrompts, c.batch - b);
    const int64_t last = std::min(c.channels, (block % blocks + 1) * kWidth);
    const int64_t first = block % blocks * kWidth;
    if (direct(c.length)) {
      for (int64_t h = first; h < last; h += lanes) convolve_direct(c, b, prompts, h, last - h);
    } else {
      for (int64_t h = first; h < last; h += 2 * lanes) {
        fourier.convolve(c, b, prompts, h, last - h);
      }
    }
  }
}

// Lags j .. j + kCount - 1: dk_j = sum_b sum_l dy_{b,l} u_{b,l-j}.
template <bool kWhole, int kCount, class T>
HWY_INLINE void correlate_lags(const LongConvGradParams<T, T>& g, int64_t j, int64_t channel,
                               int64_t lanes) {
  const Tag<T> d;
  const LongConvParams<T, T>& p = g.forward;
  V<T> total[kCount];
  V<T> lost[kCount];  // what rounding took from the total (Kahan)
  for (int i = 0; i < kCount; ++i) total[i] = lost[i] = hn::Zero(d);
  for (int64_t b = 0; b < p.batch; ++b) {
    const T* u = p.u + b * p.length * p.u_stride + channel;
    const T* dy = g.dy + b * p.length * g.dy_stride + channel;
    for (int64_t start = j; start < p.length; start += kChain) {
      V<T> sum[kCount];
      for (int i = 0; i < kCount; ++i) sum[i] = hn::Zero(d);
      const int64_t stop = std::min(start + kChain, p.length);
      for (int64_t l = start; l < stop; ++l) {
        const auto outer = load_some<kWhole>(d, dy + l * g.dy_stride, lanes);
        const int64_t count = std::min<int64_t>(kCount, l - j + 1);
        if (count == kCount) {
          for (int i = 0; i < kCount; ++i) {
            sum[i] = hn::MulAdd(outer, load_some<kWhole>(d, u + (l - j - i) * p.u_stride, lanes),
                                sum[i]);
          }
        } else {
          for (int i = 0; i < kCount; ++i) {
            if (i >= count) break;
            sum[i] = hn::MulAdd(outer, load_some<kWhole>(d, u + (l - j - i) * p.u_stride, lanes),
                                sum[i]);
          }
        }
      }
      for (int i = 0; i < kCount; ++i) {
        const auto more = hn::Sub(sum[i], lost[i]);
        const auto next = hn::Add(total[i], more);
        lost[i] = hn::Sub(hn::Sub(next, total[i]), more);
        total[i] = next;
      }
    }
  }
  for (int i = 0; i < kCount; ++i) {
    store_lanes(d, total[i], g.dk + (j + i) * p.channels + channel, lanes);
  }
}

template <class T>
void backward_kernel(const LongConvGradParams<T, T>& g, int64_t begin, int64_t end) {
  constexpr int kCount = 8;
  const LongConvParams<T, T>& p = g.forward;
  const auto lanes = static_cast<int64_t>(hn::Lanes(Tag<T>()));
  const int64_t blocks = blocks_of(p.channels, kWidth);
  Fourier<T> fourier(direct(p.length) ? 0 : p.length);
  for (int64_t block = begin; block < end; ++block) {
    const int64_t last_lag = std::min(p.length, (block / blocks + 1) * kLags);
    const int64_t last = std::min(p.channels, (block % blocks + 1) * kWidth);
    for (int64_t h = block % blocks * kWidth; h < last; h += lanes) {
      if (!direct(p.length)) {
        fourier.correlate(g, h, last - h);
        correlate_lags<false, 1>(g, 0, h, last - h);  // as exact as the gradient of D wants it
        continue;
      }
      int64_t j = block / blocks * kLags;
      const auto run = [&](auto whole) {
        for (; j + kCount <= last_lag; j += kCount) {
          correlate_lags<decltype(whole)::value, kCount>(g, j, h, last - h);
        }
        for (; j < last_lag; ++j) correlate_lags<decltype(whole)::value, 1>(g, j, h, last - h);
      };
      last - h >= lanes ? run(std::true_type()) : run(std::false_type());
    }
  }
}

template <class T>
void forward(const LongConvParams<T, T>& p, int64_t begin, int64_t end) {
  convolve<T>({p.batch, p.length, p.channels, Series<const T>(p.u, p.length, p.u_stride, false),
               p.k, p.D, Series<T>(p.y, p.length, p.channels, false)},
              begin, end);
}

// The transpose of a causal convolution: the same, with time running backward.
template <class T>
void backward_input(const LongConvGradParams<T, T>& g, int64_t begin, int64_t end) {
  const LongConvParams<T, T>& p = g.forward;
  convolve<T>({p.batch, p.length, p.channels, Series<const T>(g.dy, p.length, g.dy_stride, true),
               p.k, p.D, Series<T>(g.du, p.length, p.channels, true)},
              begin, end);
}

void forward_float(const LongConvParams<float, float>& p, int64_t begin, int64_t end) {
  forward(p, begin, end);
}
void forward_double(const LongConvParams<double, double>& p, int64_t begin, int64_t end) {
  forward(p, begin, end);
}
void backward_input_float(const LongConvGradParams<float, float>& p, int64_t begin, int64_t end) {
  backward_input(p, begin, end);
}
void backward_input_double(const LongConvGradParams<double, double>& p, int64_t begin,
                           int64_t end) {
  backward_input(p, begin, end);
}
void backward_kernel_float(const LongConvGradParams<float, float>& p, int64_t begin, int64_t end) {
  backward_kernel(p, begin, end);
}
void backward_kernel_double(const LongConvGradParams<double, double>& p, int64_t begin,
                            int64_t end) {
  backward_kernel(p, begin, end);
}

}  // namespace
}  // namespace icl::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace icl::kernels::cpu {

int64_t long_conv_blocks(int64_t batch, int64_t channels) {
  return blocks_of(batch, kPrompts) * blocks_of(channels, kWidth);
}
int64_t long_conv_kernel_blocks(int64_t length, int64_t channels) {
  if (length == 0) return 0;
  return (length <= kDirectLength ? blocks_of(length, kLags) : 1) * blocks_of(channels, kWidth);
}

HWY_EXPORT(forward_float);
HWY_EXPORT(forward_double);
HWY_EXPORT(backward_input_float);
HWY_EXPORT(backward_input_double);
HWY_EXPORT(backward_kernel_float);
HWY_EXPORT(backward_kernel_double);

template <>
void long_conv_forward(const LongConvParams<float, float>& params, int64_t begin, int64_t end) {
  HWY_DYNAMIC_DISPATCH(forward_float)(params, begin, end);
}
template <>
void long_conv_forward(const LongConvParams<double, double>& params, int64_t begin, int64_t end) {
  HWY_DYNAMIC_DISPATCH(forward_double)(params, begin, end);
}
template <>
void long_conv_backward_input(const LongConvGradParams<float, float>& params, int64_t begin,
                              int64_t end) {
  HWY_DYNAMIC_DISPATCH(backward_input_float)(params, begin, end);
}
template <>
void long_conv_backward_input(const LongConvGradParams<double, double>& params, int64_t begin,
                              int64_t end) {
  HWY_DYNAMIC_DISPATCH(backward_input_double)(params, begin, end);
}
template <>
void long_conv_backward_kernel(const LongConvGradParams<float, float>& params, int64_t begin,
                               int64_t end) {
  HWY_DYNAMIC_DISPATCH(backward_kernel_float)(params, begin, end);
}
template <>
void long_conv_backward_kernel(const LongConvGradParams<double, double>& params, int64_t begin,
                               int64_t end) {
  HWY_DYNAMIC_DISPATCH(backward_kernel_double)(params, begin, end);
}

}  // namespace icl::kernels::cpu
#endif
