// SPDX-License-Identifier: Apache-2.0
//
// Elementary functions of the kernels, on SIMD vectors. Included once for each SIMD target.
#include "hwy/contrib/math/math-inl.h"
#include "hwy/highway.h"
#include "kernels/cpu/kernels.h"

#if defined(ICL_KERNELS_CPU_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ICL_KERNELS_CPU_MATH_INL_H_
#undef ICL_KERNELS_CPU_MATH_INL_H_
#else
#define ICL_KERNELS_CPU_MATH_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace icl::kernels::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using hn::TFromD;  // named by HWY_IF_LANE_SIZE_D

#if HWY_TARGET <= HWY_AVX3 && HWY_ARCH_X86
// x 2^floor(k); Highway has no such operation.
HWY_INLINE hn::Vec512<float> scale_by_power(hn::Vec512<float> x, hn::Vec512<float> k) {
  return hn::Vec512<float>{_mm512_scalef_ps(x.raw, k.raw)};
}

// 2^(i/16), i = 0 .. 15, and these times the leading coefficient of q, see exp2_table.
alignas(64) inline constexpr float kSixteenths[16] = {
    1.0f,       1.0442737f, 1.0905077f, 1.1387886f, 1.1892071f, 1.2418578f, 1.2968396f, 1.3542556f,
    1.4142135f, 1.4768262f, 1.5422108f, 1.6104903f, 1.6817929f, 1.7562522f, 1.8340081f, 1.9152066f};
alignas(64) inline constexpr float kLeadingSixteenths[16] = {
    0.055505086f, 0.057962503f, 0.060528725f, 0.06320856f, 0.06600704f, 0.06892943f,
    0.07198119f,  0.075168066f, 0.07849605f,  0.08197136f, 0.08560054f, 0.089390405f,
    0.093348056f, 0.09748092f,  0.101796776f, 0.1063037f};

// 2^(k + r) for multiples k of 1/16 and |r| <= 1/32, `shifted` = k + kShift: the power of the
// fraction of k from a table, by the lowest bits of the sum; 2^r = 1 + r q(r), q interpolated at
// Chebyshev nodes: relative error 2.4e-9, less near 0. A Zen 4 adds and looks up beside its
// multiplications, so these are kept few: q = leading ((r + b)^2 + c).
inline constexpr float kShift = 1.5f * (1 << 19);
HWY_INLINE hn::Vec512<float> exp2_table(hn::Vec512<float> shifted, hn::Vec512<float> k,
                                        hn::Vec512<float> r) {
  const hn::Full512<float> d;
  const __m512i index = _mm512_castps_si512(shifted.raw);
  const hn::Vec512<float> power{_mm512_permutexvar_ps(index, hn::Load(d, kSixteenths).raw)};
  const hn::Vec512<float> leading{
      _mm512_permutexvar_ps(index, hn::Load(d, kLeadingSixteenths).raw)};
  constexpr double kLeading = 0.055505085, kB = 0.24023355 / (2 * kLeading);
  constexpr double kC = 0.69314718 / kLeading - kB * kB;
  const auto root = hn::Add(r, hn::Set(d, static_cast<float>(kB)));
  const auto q = hn::MulAdd(root, root, hn::Set(d, static_cast<float>(kC)));
  return scale_by_power(hn::MulAdd(hn::Mul(leading, r), q, power), k);
}
#endif

// 2^r for |r| <= 1/2: 1 + r q(r), q interpolated at Chebyshev nodes: relative error 5e-9.
template <class D>
HWY_INLINE hn::Vec<D> exp2_fraction(D d, hn::Vec<D> r) {
  auto q = hn::Set(d, 0.00015453163f);
  q = hn::MulAdd(q, r, hn::Set(d, 0.0013390863f));
  q = hn::MulAdd(q, r, hn::Set(d, 0.0096180826f));
  q = hn::MulAdd(q, r, hn::Set(d, 0.055503571f));
  q = hn::MulAdd(q, r, hn::Set(d, 0.24022651f));
  q = hn::MulAdd(q, r, hn::Set(d, 0.69314718f));
  return hn::MulAdd(q, r, hn::Set(d, 1.0f));
}

// A rate in the unit that exp_product takes. Rounded once, as if the rate itself were off by that.
HWY_INLINE float rate_unit(float rate) {
  return static_cast<float>(static_cast<double>(rate) * kLog2E);
}
HWY_INLINE double rate_unit(double rate) {
  return rate;
}

// e^(x rate), |x rate| < 1e13, for `unit` = rate_unit(rate): beside the roundings of the unit and
// of the product, which matter little where the result does not vanish, to about 1 ulp. A result
// too small for float32 is 0; too large a one saturates.
template <class D, HWY_IF_LANE_SIZE_D(D, 4)>
HWY_INLINE hn::Vec<D> exp_product(D d, hn::Vec<D> x, hn::Vec<D> unit) {
#if HWY_TARGET <= HWY_AVX3 && HWY_ARCH_X86
  const auto shift = hn::Set(d, kShift);
  const auto y = hn::Mul(x, unit);
  const auto shifted = hn::Add(y, shift);
  const auto k = hn::Sub(shifted, shift);
  return exp2_table(shifted, k, hn::Sub(y, k));
#else
  const auto y = hn::Mul(x, unit);
  const auto bounded = hn::Min(hn::Set(d, 127.0f), hn::Max(hn::Set(d, -126.0f), y));
  // Adding 1.5 2^23 rounds to a whole number, whose lowest bits then are those of the sum.
  const auto shift = hn::Set(d, 1.5f * (1 << 23));
  const auto shifted = hn::Add(bounded, shift);
  const auto r = hn::Sub(bounded, hn::Sub(shifted, shift));
  const hn::RebindToSigned<D> di;
  const auto exponent = hn::ShiftLeft<23>(hn::BitCast(di, shifted));
  const auto result = hn::BitCast(d, hn::Add(hn::BitCast(di, exp2_fraction(d, r)), exponent));
  return hn::IfThenZeroElse(hn::Lt(y, hn::Set(d, -126.0f)), result);
#endif
}
template <class D, HWY_IF_LANE_SIZE_D(D, 8)>
HWY_INLINE hn::Vec<D> exp_product(D d, hn::Vec<D> x, hn::Vec<D> unit) {
  return hn::Exp(d, hn::Mul(x, unit));
}

// e^x to about 1 ulp.
template <class D, HWY_IF_LANE_SIZE_D(D, 4)>
HWY_INLINE hn::Vec<D> fast_exp(D d, hn::Vec<D> x) {
  // x = k ln 2 + r, with ln 2 in two parts, the first of few digits: exact without a fused product.
  const auto bounded = hn::Min(hn::Set(d, 130.0f), hn::Max(hn::Set(d, -130.0f), x));
  const auto k = hn::Round(hn::Mul(bounded, hn::Set(d, 1.44269504f)));
  auto r = hn::NegMulAdd(k, hn::Set(d, 0.693359375f), bounded);
  r = hn::NegMulAdd(k, hn::Set(d, -2.12194440e-4f), r);
  r = hn::Mul(r, hn::Set(d, 1.44269504f));
#if HWY_TARGET <= HWY_AVX3 && HWY_ARCH_X86
  return scale_by_power(exp2_fraction(d, r), k);
#else
  const hn::RebindToSigned<D> di;
  // In halves, as 2^k alone may be too large or too small.
  const auto whole = hn::ConvertTo(di, k);
  const auto half = hn::ShiftRight<1>(whole);
  const auto bias = hn::Set(di, 127);
  const auto first = hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(half, bias)));
  const auto second = hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(hn::Sub(whole, half), bias)));
  return hn::Mul(hn::Mul(exp2_fraction(d, r), first), second);
#endif
}
template <class D, HWY_IF_LANE_SIZE_D(D, 8)>
HWY_INLINE hn::Vec<D> fast_exp(D d, hn::Vec<D> x) {
  return hn::Exp(d, x);
}

// e^x to about 2 ulp, for gates and step sizes, which are not raised to powers.
template <class D>
HWY_INLINE hn::Vec<D> quick_exp(D d, hn::Vec<D> x) {
#if HWY_TARGET <= HWY_AVX3 && HWY_ARCH_X86
  if constexpr (sizeof(TFromD<D>) == 4) {
    const auto bounded = hn::Min(hn::Set(d, 130.0f), hn::Max(hn::Set(d, -130.0f), x));
    const auto log2e = hn::Set(d, 1.44269504f);
    const auto shift = hn::Set(d, kShift);
    const auto shifted = hn::MulAdd(bounded, log2e, shift);
    const auto k = hn::Sub(shifted, shift);
    const auto r = hn::MulSub(bounded, log2e, k);
    const auto rest = hn::Set(d, 1.925963e-08f);  // of log2e, that float32 does not hold
    return exp2_table(shifted, k, hn::MulAdd(bounded, rest, r));
  }
#endif
  return fast_exp(d, x);
}

// 1 / (1 + e^-x)
template <class D>
HWY_INLINE hn::Vec<D> sigmoid(D d, hn::Vec<D> x) {
  const auto one = hn::Set(d, 1);
  return hn::Div(one, hn::Add(one, quick_exp(d, hn::Neg(x))));
}

// d silu / dx = s (1 + x (1 - s)), s = sigmoid(x)
template <class D>
HWY_INLINE hn::Vec<D> silu_slope(D d, hn::Vec<D> x) {
  const auto one = hn::Set(d, 1);
  const auto gate = sigmoid(d, x);
  return hn::Mul(gate, hn::MulAdd(x, hn::Sub(one, gate), one));
}

// log(1 + e^x) and its derivative sigmoid(x). Above 20 they are x and 1, as in ATen and the
// published kernels: in float32 there is no difference.
template <class D>
struct Softplus {
  hn::Vec<D> value, slope;
};

template <class D, HWY_IF_LANE_SIZE_D(D, 4)>
HWY_INLINE Softplus<D> softplus(D d, hn::Vec<D> x) {
  // max(x, 0) + log(1 + e), e = e^-|x|, and log(1 + e) = 2 artanh(s), s = e / (2 + e) <= 1/3; the
  // series artanh(s) / s in s^2 interpolated at Chebyshev nodes: relative error 1e-10.
  const auto one = hn::Set(d, 1.0f);
  const auto e = quick_exp(d, hn::Neg(hn::Abs(x)));
  const auto s = hn::Div(e, hn::Add(hn::Set(d, 2.0f), e));
  const auto w = hn::Mul(s, s);
  auto series = hn::Set(d, 0.12196953f);
  series = hn::MulAdd(series, w, hn::Set(d, 0.1069928f));
  series = hn::MulAdd(series, w, hn::Set(d, 0.14310104f));
  series = hn::MulAdd(series, w, hn::Set(d, 0.19999356f));
  series = hn::MulAdd(series, w, hn::Set(d, 0.3333334f));
  series = hn::MulAdd(series, w, one);
  // x86's max hands on a NaN that comes second.
  return {hn::MulAdd(hn::Add(s, s), series, hn::Max(hn::Zero(d), x)),
          hn::Div(hn::IfThenElse(hn::Lt(x, hn::Zero(d)), e, one), hn::Add(one, e))};
}
template <class D, HWY_IF_LANE_SIZE_D(D, 8)>
HWY_INLINE Softplus<D> softplus(D d, hn::Vec<D> x) {
  const auto bound = hn::Set(d, 20);
  const auto small = hn::Log1p(d, hn::Exp(d, hn::Min(bound, x)));
  // Only an ordinary number at most 20 takes the formula; a NaN stays itself.
  return {hn::IfThenElse(hn::Le(x, bound), small, x),
          hn::IfThenElse(hn::Gt(x, bound), hn::Set(d, 1), sigmoid(d, x))};
}

// Vectors over the channels of a row whose last lanes may lie outside the tensor.
template <class D, class T>
HWY_INLINE hn::Vec<D> load_lanes(D d, const T* from, int64_t lanes) {
  if (lanes >= static_cast<int64_t>(hn::Lanes(d))) return hn::LoadU(d, from);
  HWY_ALIGN T buffer[HWY_LANES(T)] = {};
  for (int64_t i = 0; i < lanes; ++i) buffer[i] = from[i];
  return hn::Load(d, buffer);
}
template <class D, class T>
HWY_INLINE void store_lanes(D d, hn::Vec<D> value, T* to, int64_t lanes) {
  if (lanes >= static_cast<int64_t>(hn::Lanes(d))) return hn::StoreU(value, d, to);
  HWY_ALIGN T buffer[HWY_LANES(T)];
  hn::Store(value, d, buffer);
  for (int64_t i = 0; i < lanes; ++i) to[i] = buffer[i];
}

}  // namespace icl::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
