// SPDX-License-Identifier: Apache-2.0
//
// S4D's convolution kernel k[h, l] = 2 Re sum_n W_n exp(dt A_n l), W_n = C_n (exp(dt A_n) - 1) /
// A_n, and its gradients, without an array of size H N L. A block takes a channel (forward: and a
// stretch of time), its modes in shared memory.
//
// Bound: the special function unit, 3 operations for each (h, n, l).
// Surprise: exp(i w l) in float32 loses w l / 2 pi digits for long sequences. The angle of one step
// is kept as a 64-bit fraction of a turn; multiplying it by l wraps around exactly, so that every l
// is as accurate as the first. What happens once per mode happens in float64.
#include "kernels/cuda/device.cuh"
#include "kernels/s4d_kernel.h"

namespace icl::kernels {
namespace {

constexpr int kThreads = 128;
constexpr int kWarps = kThreads / 32;
constexpr int kModes = 64;  // in shared memory at a time
constexpr double kTwoPi = 6.283185307179586;

struct Complex {
  double re, im;
};
__device__ __forceinline__ Complex operator*(Complex a, Complex b) {
  return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
__device__ __forceinline__ Complex operator+(Complex a, Complex b) {
  return {a.re + b.re, a.im + b.im};
}
__device__ __forceinline__ Complex operator/(Complex a, Complex b) {
  const double scale = 1 / (b.re * b.re + b.im * b.im);
  return {(a.re * b.re + a.im * b.im) * scale, (a.im * b.re - a.re * b.im) * scale};
}

// One mode of one channel.
struct Mode {
  double dt;
  Complex A, C, step, power, ratio;  // step = dt A, power = exp(step), ratio = (power - 1) / A
};

template <class S>
__device__ __forceinline__ Mode load_mode(const S4dKernelParams<S>& p, int64_t h, int64_t n) {
  Mode mode;
  const int64_t at = h * p.modes + n;
  mode.dt = exp(static_cast<double>(p.log_dt[h]));
  mode.A = {-exp(static_cast<double>(p.log_A_real[at])), static_cast<double>(p.A_imag[at])};
  mode.C = {static_cast<double>(p.C[2 * at]), static_cast<double>(p.C[2 * at + 1])};
  mode.step = {mode.dt * mode.A.re, mode.dt * mode.A.im};
  const double grown = expm1(mode.step.re), half = sin(mode.step.im / 2);
  const double s = sin(mode.step.im), c = cos(mode.step.im);
  mode.power = {(1 + grown) * c, (1 + grown) * s};
  // exp(x + iy) - 1 without cancellation for small steps
  mode.ratio = Complex{grown * c - 2 * half * half, (1 + grown) * s} / mode.A;
  return mode;
}

// The part of a turn that w takes, as a fraction of 2^64.
__device__ __forceinline__ uint64_t turn_of(double angle) {
  const double turns = angle / kTwoPi;
  const double part = turns - floor(turns);
  // Two steps, as 2^64 itself does not fit; part = 1 after rounding wraps to 0 as it should.
  const uint64_t high = static_cast<uint64_t>(part * 4294967296.0);
  const double low = (part * 4294967296.0 - static_cast<double>(high)) * 4294967296.0;
  return (high << 32) + static_cast<uint64_t>(low);
}

__device__ __forceinline__ void sine_cosine(float half_turns, float* s, float* c) {
  sincospif(half_turns, s, c);
}
__device__ __forceinline__ void sine_cosine(double half_turns, double* s, double* c) {
  sincospi(half_turns, s, c);
}

// exp(step l) where step = (rate, turn).
template <class S>
__device__ __forceinline__ void power_at(S rate, uint64_t turn, int64_t l, S* re, S* im) {
  const int64_t wrapped = static_cast<int64_t>(turn * static_cast<uint64_t>(l));  // of 2^64
  S s, c;
  sine_cosine(static_cast<S>(wrapped) * S(0x1p-63), &s, &c);
  const S magnitude = exp_of(rate * static_cast<S>(l));
  *re = magnitude * c;
  *im = magnitude * s;
}

template <class S>
__global__ void forward_kernel(S4dKernelParams<S> p) {
  ICL_SHARED(S, rates, kModes);
  ICL_SHARED(uint64_t, turns, kModes);
  ICL_SHARED(S, weights_re, kModes);
  ICL_SHARED(S, weights_im, kModes);
  const int64_t tiles = ceil_div(p.length, kThreads), h = blockIdx.x / tiles;
  const int64_t l = blockIdx.x % tiles * kThreads + threadIdx.x;
  S sum = 0;
  for (int64_t n0 = 0; n0 < p.modes; n0 += kModes) {
    const int modes = static_cast<int>(p.modes - n0 < kModes ? p.modes - n0 : kModes);
    __syncthreads();
    for (int n = threadIdx.x; n < modes; n += kThreads) {
      const Mode mode = load_mode(p, h, n0 + n);
      const Complex weight = mode.C * mode.ratio;
      rates[n] = static_cast<S>(mode.step.re);
      turns[n] = turn_of(mode.step.im);
      weights_re[n] = static_cast<S>(2 * weight.re);
      weights_im[n] = static_cast<S>(2 * weight.im);
    }
    __syncthreads();
    for (int n = 0; n < modes; ++n) {
      S re, im;
      power_at(rates[n], turns[n], l, &re, &im);
      sum += weights_re[n] * re - weights_im[n] * im;
    }
  }
  if (l < p.length) p.k[h * p.length + l] = sum;
}

// With E = exp(dt A l), G0 = sum_l dk E and G1 = sum_l l dk E:
//   dL = 2 Re (ratio G0 dC + P d(dt A) + Q dA),  P = G0 C power / A + W G1,  Q = -G0 C ratio / A
// A warp takes a mode; the sums over l run in a fixed order, then float64.
template <class S>
__global__ void backward_kernel(S4dKernelGradParams<S> grad) {
  const S4dKernelParams<S>& p = grad.forward;
  ICL_SHARED(double, dlog_dts, kWarps);
  const int64_t h = blockIdx.x;
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  double dlog_dt = 0;
  for (int64_t n = warp; n < p.modes; n += kWarps) {
    const Mode mode = load_mode(p, h, n);
    const S rate = static_cast<S>(mode.step.re);
    const uint64_t turn = turn_of(mode.step.im);
    S g0_re = 0, g0_im = 0, g1_re = 0, g1_im = 0;
    for (int64_t l = lane; l < p.length; l += 32) {
      S re, im;
      power_at(rate, turn, l, &re, &im);
      const S dk = grad.dk[h * p.length + l], dk_l = dk * static_cast<S>(l);
      g0_re += dk * re;
      g0_im += dk * im;
      g1_re += dk_l * re;
      g1_im += dk_l * im;
    }
    const Complex g0{static_cast<double>(warp_sum(g0_re)), static_cast<double>(warp_sum(g0_im))};
    const Complex g1{static_cast<double>(warp_sum(g1_re)), static_cast<double>(warp_sum(g1_im))};
    const Complex dC = g0 * mode.ratio;
    const Complex inner = g0 * mode.C / mode.A;
    const Complex P = inner * mode.power + mode.C * mode.ratio * g1;
    const Complex Q = inner * mode.ratio;
    const Complex dA{P.re * mode.dt - Q.re, P.im * mode.dt - Q.im};
    dlog_dt += 2 * (P * mode.step).re;
    if (lane != 0) continue;
    const int64_t at = h * p.modes + n;
    grad.dC[2 * at] = static_cast<S>(2 * dC.re);
    grad.dC[2 * at + 1] = static_cast<S>(-2 * dC.im);
    grad.dlog_A_real[at] = static_cast<S>(2 * dA.re * mode.A.re);
    grad.dA_imag[at] = static_cast<S>(-2 * dA.im);
  }
  if (lane == 0) dlog_dts[warp] = dlog_dt;
  __syncthreads();
  if (threadIdx.x != 0) return;
  for (int w = 1; w < kWarps; ++w) dlog_dt += dlog_dts[w];
  grad.dlog_dt[h] = static_cast<S>(dlog_dt);
}

}  // namespace

template <class S>
int s4d_kernel(const S4dKernelParams<S>& p, Stream stream) {
  const int64_t blocks = p.channels * ceil_div(p.length, kThreads);
  if (blocks == 0) return 0;
  return launch(forward_kernel<S>, blocks_1d(blocks), kThreads, 0, stream, p);
}

template <class S>
int s4d_kernel_grad(const S4dKernelGradParams<S>& grad, Stream stream) {
  if (grad.forward.channels == 0) return 0;
  return launch(backward_kernel<S>, blocks_1d(grad.forward.channels), kThreads, 0, stream, grad);
}

template int s4d_kernel(const S4dKernelParams<float>&, Stream);
template int s4d_kernel(const S4dKernelParams<double>&, Stream);
template int s4d_kernel_grad(const S4dKernelGradParams<float>&, Stream);
template int s4d_kernel_grad(const S4dKernelGradParams<double>&, Stream);

}  // namespace icl::kernels
