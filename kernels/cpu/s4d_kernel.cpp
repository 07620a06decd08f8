// SPDX-License-Identifier: Apache-2.0
//
// The convolution kernel of S4D on the CPU: k_l = 2 Re sum_n w_n e^{l s_n}, s = dt A,
// w = C (e^s - 1) / A.
//
// Vectorised along l, all in float64: the phase l Im s grows with l, and float32 would lose it. The
// powers e^{l s} of a tile of lengths come from its first by multiplication with e^{lanes s}; each
// tile starts anew from an exponential. Never more than a tile of powers is held.
#include <algorithm>
#include <cmath>
#include <complex>
#include <vector>

#include "kernels/cpu/kernels.h"
#include "kernels/s4d_kernel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/s4d_kernel.cpp"
#include "hwy/foreach_target.h"
#include "kernels/cpu/vector-inl.h"

#ifndef ICL_KERNELS_CPU_S4D_KERNEL_ONCE
#define ICL_KERNELS_CPU_S4D_KERNEL_ONCE
namespace icl::kernels::cpu {

using Complex = std::complex<double>;

// One mode of one channel.
struct S4dMode {
  Complex A, step, growth, input;  // A, s = dt A, e^s, (e^s - 1) / A
  Complex C;
};

// e^s - 1 without cancellation.
inline Complex expm1(Complex s) {
  const double half = std::sin(s.imag() / 2);
  const double grown = std::expm1(s.real());
  return {grown * std::cos(s.imag()) - 2 * half * half, (grown + 1) * std::sin(s.imag())};
}

template <class T>
S4dMode s4d_mode(const S4dKernelParams<T>& p, int64_t channel, int64_t mode, double dt) {
  const int64_t i = channel * p.modes + mode;
  const Complex A(-std::exp(static_cast<double>(p.log_A_real[i])),
                  static_cast<double>(p.A_imag[i]));
  const Complex step = dt * A;
  const Complex grown = expm1(step);
  return {A, step, grown + 1.0, grown / A,
          Complex(static_cast<double>(p.C[2 * i]), static_cast<double>(p.C[2 * i + 1]))};
}

}  // namespace icl::kernels::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace icl::kernels::cpu::HWY_NAMESPACE {
namespace {

constexpr int64_t kTile = 256;  // lengths

using Wide = hn::ScalableTag<double>;
using Doubles = hn::Vec<Wide>;

HWY_INLINE double sum_of_lanes(Doubles x) {
  return hn::GetLane(hn::SumOfLanes(Wide(), x));
}

struct Pair {
  Doubles re, im;
};

HWY_INLINE Pair times(const Pair& x, const Pair& y) {
  return {hn::NegMulAdd(x.im, y.im, hn::Mul(x.re, y.re)),
          hn::MulAdd(x.re, y.im, hn::Mul(x.im, y.re))};
}
HWY_INLINE Pair broadcast(Complex value) {
  const Wide d;
  return {hn::Set(d, value.real()), hn::Set(d, value.imag())};
}

// start e^{s l} in lane l, and e^{s lanes}, the way to the next vector.
struct Powers {
  Pair first, stride;
};
HWY_INLINE Powers powers(const S4dMode& mode, Complex start) {
  const Wide d;
  HWY_ALIGN double re[HWY_LANES(double)];
  HWY_ALIGN double im[HWY_LANES(double)];
  Complex power = start;
  Complex plain = 1.0;
  for (size_t lane = 0; lane < hn::Lanes(d); ++lane) {
    re[lane] = power.real();
    im[lane] = power.imag();
    power *= mode.growth;
    plain *= mode.growth;
  }
  return {{hn::Load(d, re), hn::Load(d, im)}, broadcast(plain)};
}

// Lengths first .. first + kTile - 1 of one channel, in float64.
void tile_forward(const std::vector<S4dMode>& modes, int64_t first, int64_t count, double* k) {
  const Wide d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  std::fill_n(k, kTile, 0.0);
  for (const S4dMode& mode : modes) {
    const Complex start =
        2.0 * mode.C * mode.input * std::exp(mode.step * static_cast<double>(first));
    auto [power, stride] = powers(mode, start);
    for (int64_t l = 0; l < count; l += lanes) {
      hn::Store(hn::Add(hn::Load(d, k + l), power.re), d, k + l);
      power = times(power, stride);
    }
  }
}

template <class T>
std::vector<S4dMode> modes_of(const S4dKernelParams<T>& p, int64_t channel) {
  std::vector<S4dMode> modes;
  const double dt = std::exp(static_cast<double>(p.log_dt[channel]));
  for (int64_t n = 0; n < p.modes; ++n) modes.push_back(s4d_mode(p, channel, n, dt));
  return modes;
}

template <class T>
void forward(const S4dKernelParams<T>& p, int64_t begin, int64_t end) {
  HWY_ALIGN double tile[kTile];
  for (int64_t h = begin; h < end; ++h) {
    const std::vector<S4dMode> modes = modes_of(p, h);
    for (int64_t first = 0; first < p.length; first += kTile) {
      const int64_t count = std::min(kTile, p.length - first);
      tile_forward(modes, first, count, tile);
      for (int64_t l = 0; l < count; ++l) p.k[h * p.length + first + l] = static_cast<T>(tile[l]);
    }
  }
}

// Adds a tile's share of sum_l dk_l e^{ls} and of sum_l l dk_l e^{ls}. `dk` is zero beyond `count`.
void tile_backward(const S4dMode& mode, int64_t first, int64_t count, const double* dk,
                   Complex& plain, Complex& ramped) {
  const Wide d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  auto [power, stride] = powers(mode, std::exp(mode.step * static_cast<double>(first)));
  const auto zero = hn::Zero(d);
  Pair sum{zero, zero};
  Pair ramp{zero, zero};
  auto length = hn::Iota(d, static_cast<double>(first));
  const auto next = hn::Set(d, static_cast<double>(lanes));
  for (int64_t l = 0; l < count; l += lanes) {
    const auto weight = hn::Load(d, dk + l);
    const auto ramped_weight = hn::Mul(weight, length);
    sum = {hn::MulAdd(weight, power.re, sum.re), hn::MulAdd(weight, power.im, sum.im)};
    ramp = {hn::MulAdd(ramped_weight, power.re, ramp.re),
            hn::MulAdd(ramped_weight, power.im, ramp.im)};
    length = hn::Add(length, next);
    power = times(power, stride);
  }
  plain += Complex(sum_of_lanes(sum.re), sum_of_lanes(sum.im));
  ramped += Complex(sum_of_lanes(ramp.re), sum_of_lanes(ramp.im));
}

// With G = sum_l dk_l e^{ls} and R = sum_l l dk_l e^{ls} the loss changes by
// 2 Re sum_n (dw G + w R ds); w and s in terms of the parameters give the rest.
template <class T>
void backward(const S4dKernelGradParams<T>& g, int64_t begin, int64_t end) {
  const S4dKernelParams<T>& p = g.forward;
  HWY_ALIGN double dk[kTile];
  for (int64_t h = begin; h < end; ++h) {
    const std::vector<S4dMode> modes = modes_of(p, h);
    std::vector<Complex> plain(modes.size());
    std::vector<Complex> ramped(modes.size());
    for (int64_t first = 0; first < p.length; first += kTile) {
      const int64_t count = std::min(kTile, p.length - first);
      std::fill_n(dk, kTile, 0.0);
      for (int64_t l = 0; l < count; ++l) {
        dk[l] = static_cast<double>(g.dk[h * p.length + first + l]);
      }
      for (size_t n = 0; n < modes.size(); ++n) {
        tile_backward(modes[n], first, count, dk, plain[n], ramped[n]);
      }
    }
    const double dt = std::exp(static_cast<double>(p.log_dt[h]));
    double dlog_dt = 0;
    for (size_t n = 0; n < modes.size(); ++n) {
      const S4dMode& m = modes[n];
      const Complex dC = plain[n] * m.input;
      const Complex dstep =
          2.0 * m.C *
          (plain[n] * m.growth / m.A + m.input * ramped[n]);  // the loss is Re(dstep ds)
      const Complex dA = dt * dstep - 2.0 * plain[n] * m.C * m.input / m.A;
      const int64_t i = h * p.modes + static_cast<int64_t>(n);
      g.dC[2 * i] = static_cast<T>(2 * dC.real());
      g.dC[2 * i + 1] = static_cast<T>(-2 * dC.imag());
      g.dlog_A_real[i] = static_cast<T>(dA.real() * m.A.real());
      g.dA_imag[i] = static_cast<T>(-dA.imag());
      dlog_dt += (dstep * m.step).real();
    }
    g.dlog_dt[h] = static_cast<T>(dlog_dt);
  }
}

void forward_float(const S4dKernelParams<float>& p, int64_t begin, int64_t end) {
  forward(p, begin, end);
}
void forward_double(const S4dKernelParams<double>& p, int64_t begin, int64_t end) {
  forward(p, begin, end);
}
void backward_float(const S4dKernelGradParams<float>& p, int64_t begin, int64_t end) {
  backward(p, begin, end);
}
void backward_double(const S4dKernelGradParams<double>& p, int64_t begin, int64_t end) {
  backward(p, begin, end);
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
void s4d_kernel_forward(const S4dKernelParams<float>& params, int64_t begin, int64_t end) {
  HWY_DYNAMIC_DISPATCH(forward_float)(params, begin, end);
}
template <>
void s4d_kernel_forward(const S4dKernelParams<double>& params, int64_t begin, int64_t end) {
  HWY_DYNAMIC_DISPATCH(forward_double)(params, begin, end);
}
template <>
void s4d_kernel_backward(const S4dKernelGradParams<float>& params, int64_t begin, int64_t end) {
  HWY_DYNAMIC_DISPATCH(backward_float)(params, begin, end);
}
template <>
void s4d_kernel_backward(const S4dKernelGradParams<double>& params, int64_t begin, int64_t end) {
  HWY_DYNAMIC_DISPATCH(backward_double)(params, begin, end);
}

}  // namespace icl::kernels::cpu
#endif
