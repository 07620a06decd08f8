// SPDX-License-Identifier: Apache-2.0
//
// Elementary functions of the kernels, on SIMD vectors. Included once for each SIMD target.
#include "hwy/contrib/math/math-inl.h"
#include "hwy/highway.h"

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

// e^x in float32 to about 1 ulp, for a scan's decay: 2^k p(r) with x = k ln 2 + r. Below -87.3,
// where the result would be denormal, it stays at the smallest normal number; above 88.3 it
// saturates.
template <class D, HWY_IF_LANE_SIZE_D(D, 4)>
HWY_INLINE hn::Vec<D> fast_exp(D d, hn::Vec<D> x) {
  const hn::RebindToSigned<D> di;
  // In this order x86's min and max hand a NaN on.
  const auto clamped = hn::Min(hn::Set(d, 88.3762f), hn::Max(hn::Set(d, -87.3365f), x));
  const auto k = hn::Round(hn::Mul(clamped, hn::Set(d, 1.44269504f)));
  auto r = hn::NegMulAdd(k, hn::Set(d, 0.693359375f), clamped);  // ln 2 in two parts
  r = hn::NegMulAdd(k, hn::Set(d, -2.12194440e-4f), r);
  // 1 + r + r^2 q(r), q interpolated at Chebyshev nodes of |r| <= ln 2 / 2: relative error 1e-8.
  auto q = hn::Set(d, 0.0013926213f);
  q = hn::MulAdd(q, r, hn::Set(d, 0.0083632031f));
  q = hn::MulAdd(q, r, hn::Set(d, 0.0416665561f));
  q = hn::MulAdd(q, r, hn::Set(d, 0.1666657626f));
  q = hn::MulAdd(q, r, hn::Set(d, 0.5f));
  const auto p = hn::Add(hn::Set(d, 1.0f), hn::MulAdd(hn::Mul(r, r), q, r));
  const auto exponent = hn::ShiftLeft<23>(hn::ConvertTo(di, k));
  const auto result = hn::BitCast(d, hn::Add(hn::BitCast(di, p), exponent));
  return hn::IfThenZeroElse(hn::Lt(x, hn::Set(d, -87.3365f)), result);
}

template <class D, HWY_IF_LANE_SIZE_D(D, 8)>
HWY_INLINE hn::Vec<D> fast_exp(D d, hn::Vec<D> x) {
  return hn::Exp(d, x);
}

// 1 / (1 + e^-x)
template <class D>
HWY_INLINE hn::Vec<D> sigmoid(D d, hn::Vec<D> x) {
  const auto one = hn::Set(d, 1);
  return hn::Div(one, hn::Add(one, hn::Exp(d, hn::Neg(x))));
}

// d silu / dx = s (1 + x (1 - s)), s = sigmoid(x)
template <class D>
HWY_INLINE hn::Vec<D> silu_slope(D d, hn::Vec<D> x) {
  const auto one = hn::Set(d, 1);
  const auto gate = sigmoid(d, x);
  return hn::Mul(gate, hn::MulAdd(x, hn::Sub(one, gate), one));
}

// log(1 + e^x); above 20 it is x, as in ATen and the published kernels.
template <class D>
HWY_INLINE hn::Vec<D> softplus(D d, hn::Vec<D> x) {
  const auto bound = hn::Set(d, 20);
  const auto small = hn::Log1p(d, hn::Exp(d, hn::Min(bound, x)));
  // Only an ordinary number at most 20 takes the formula; a NaN stays itself.
  return hn::IfThenElse(hn::Le(x, bound), small, x);
}

// d softplus / dx, with the same threshold.
template <class D>
HWY_INLINE hn::Vec<D> softplus_slope(D d, hn::Vec<D> x) {
  return hn::IfThenElse(hn::Gt(x, hn::Set(d, 20)), hn::Set(d, 1), sigmoid(d, x));
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
