// SPDX-License-Identifier: Apache-2.0
//
// Residual sum and RMSNorm on the CPU, row by row: s = x + residual, y = s rsqrt(mean s^2 + eps) w.
//
// Vectorised along the row. The second pass over a row finds it in the L1 cache: bound by memory.
#include <algorithm>
#include <cmath>

#include "kernels/add_rms_norm.h"
#include "kernels/cpu/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/add_rms_norm.cpp"
#include "hwy/foreach_target.h"
#include "kernels/cpu/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace icl::kernels::cpu::HWY_NAMESPACE {
namespace {

// The sum of term(m, lanes) over the vectors m of a row, in several chains: fewer roundings in a
// row, and no waiting for the last addition.
template <class T, class Term>
HWY_INLINE T sum_of_row(int64_t width, const Term& term) {
  constexpr int64_t kChains = 4;
  const Tag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  V<T> chains[kChains] = {hn::Zero(d), hn::Zero(d), hn::Zero(d), hn::Zero(d)};
  int64_t m = 0;
  for (; m + kChains * lanes <= width; m += kChains * lanes) {
    for (int64_t i = 0; i < kChains; ++i) {
      chains[i] = hn::Add(chains[i], term(m + i * lanes, lanes));
    }
  }
  for (int64_t i = 0; m < width; m += lanes, ++i) {
    chains[i] = hn::Add(chains[i], term(m, width - m));
  }
  const auto all = hn::Add(hn::Add(chains[0], chains[1]), hn::Add(chains[2], chains[3]));
  return hn::GetLane(hn::SumOfLanes(d, all));
}

template <class T, class Work>
HWY_INLINE void for_each_vector_of_row(int64_t width, const Work& work) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(Tag<T>()));
  for (int64_t m = 0; m < width; m += lanes) work(m, width - m);
}

template <class T>
T scale_of(T squares, int64_t width, double eps) {
  return 1 / std::sqrt(squares / static_cast<T>(width) + static_cast<T>(eps));
}

template <class T>
void forward(const AddRmsNormParams<T, T>& p, int64_t begin, int64_t end) {
  const Tag<T> d;
  const int64_t last = std::min(p.rows, end * kRows);
  for (int64_t row = begin * kRows; row < last; ++row) {
    const int64_t offset = row * p.width;
    const T squares = sum_of_row<T>(p.width, [&](int64_t m, int64_t lanes) HWY_ATTR {
      auto sum = load_lanes(d, p.x + offset + m, lanes);
      if (p.residual != nullptr) {
        sum = hn::Add(sum, load_lanes(d, p.residual + offset + m, lanes));
      }
      store_lanes(d, sum, p.sum + offset + m, lanes);
      return hn::Mul(sum, sum);
    });
    const auto scale = hn::Set(d, scale_of(squares, p.width, p.eps));
    for_each_vector_of_row<T>(p.width, [&](int64_t m, int64_t lanes) HWY_ATTR {
      const auto sum = load_lanes(d, p.sum + offset + m, lanes);
      const auto weight = load_lanes(d, p.weight + m, lanes);
      store_lanes(d, hn::Mul(hn::Mul(sum, scale), weight), p.normed + offset + m, lanes);
    });
  }
}

// With r the scale, g = dy w:  ds = r (g - s r^2 mean(g s)),  dw = sum over rows of dy s r.
template <class T>
void backward(const AddRmsNormGradParams<T, T>& p, T* dweight_parts, int64_t begin, int64_t end) {
  const Tag<T> d;
  for (int64_t group = begin; group < end; ++group) {
    T* dweight = dweight_parts + group * p.width;
    std::fill_n(dweight, p.width, T(0));
    const int64_t last = std::min(p.rows, (group + 1) * kRows);
    for (int64_t row = group * kRows; row < last; ++row) {
      const T* s = p.sum + row * p.width;
      const T* dy = p.dnormed + row * p.width;
      const T squares = sum_of_row<T>(p.width, [&](int64_t m, int64_t lanes) HWY_ATTR {
        const auto sum = load_lanes(d, s + m, lanes);
        return hn::Mul(sum, sum);
      });
      const T products = sum_of_row<T>(p.width, [&](int64_t m, int64_t lanes) HWY_ATTR {
        const auto g = hn::Mul(load_lanes(d, dy + m, lanes), load_lanes(d, p.weight + m, lanes));
        return hn::Mul(g, load_lanes(d, s + m, lanes));
      });
      const T r = scale_of(squares, p.width, p.eps);
      const auto scale = hn::Set(d, r);
      const auto mean = hn::Set(d, r * r * (products / static_cast<T>(p.width)));
      for_each_vector_of_row<T>(p.width, [&](int64_t m, int64_t lanes) HWY_ATTR {
        const auto sum = load_lanes(d, s + m, lanes);
        const auto outer = load_lanes(d, dy + m, lanes);
        const auto g = hn::Mul(outer, load_lanes(d, p.weight + m, lanes));
        auto dx = hn::Mul(scale, hn::NegMulAdd(sum, mean, g));
        if (p.dsum != nullptr) {
          dx = hn::Add(dx, load_lanes(d, p.dsum + row * p.width + m, lanes));
        }
        store_lanes(d, dx, p.dx + row * p.width + m, lanes);
        const auto share =
            hn::MulAdd(outer, hn::Mul(sum, scale), load_lanes(d, dweight + m, lanes));
        store_lanes(d, share, dweight + m, lanes);
      });
    }
  }
}

void forward_float(const AddRmsNormParams<float, float>& p, int64_t begin, int64_t end) {
  forward(p, begin, end);
}
void forward_double(const AddRmsNormParams<double, double>& p, int64_t begin, int64_t end) {
  forward(p, begin, end);
}
void backward_float(const AddRmsNormGradParams<float, float>& p, float* dweight_parts,
                    int64_t begin, int64_t end) {
  backward(p, dweight_parts, begin, end);
}
void backward_double(const AddRmsNormGradParams<double, double>& p, double* dweight_parts,
                     int64_t begin, int64_t end) {
  backward(p, dweight_parts, begin, end);
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
void add_rms_norm_forward(const AddRmsNormParams<float, float>& params, int64_t begin,
                          int64_t end) {
  HWY_DYNAMIC_DISPATCH(forward_float)(params, begin, end);
}
template <>
void add_rms_norm_forward(const AddRmsNormParams<double, double>& params, int64_t begin,
                          int64_t end) {
  HWY_DYNAMIC_DISPATCH(forward_double)(params, begin, end);
}
template <>
void add_rms_norm_backward(const AddRmsNormGradParams<float, float>& params, float* dweight_parts,
                           int64_t begin, int64_t end) {
  HWY_DYNAMIC_DISPATCH(backward_float)(params, dweight_parts, begin, end);
}
template <>
void add_rms_norm_backward(const AddRmsNormGradParams<double, double>& params,
                           double* dweight_parts, int64_t begin, int64_t end) {
  HWY_DYNAMIC_DISPATCH(backward_double)(params, dweight_parts, begin, end);
}

}  // namespace icl::kernels::cpu
#endif
