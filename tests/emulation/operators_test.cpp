// SPDX-License-Identifier: Apache-2.0
//
// Convolutions, norm, wkv and the S4D kernel against their equations in float64, one element after
// the other. Gradients come from the loss sum(result * weights) by the chain rule written out.
#include <gtest/gtest.h>

#include <complex>

#include "kernels/add_rms_norm.h"
#include "kernels/causal_conv1d.h"
#include "kernels/long_conv.h"
#include "kernels/s4d_kernel.h"
#include "kernels/wkv.h"
#include "tests/emulation/arrays.h"

namespace icl::kernels {
namespace {

// ---- causal_conv1d -----------------------------------------------------------------------------

template <class T, class S>
void check_conv(int64_t B, int64_t L, int64_t I, int64_t W, bool silu, bool full) {
  SCOPED_TRACE("L " + std::to_string(L) + " I " + std::to_string(I) + " W " + std::to_string(W));
  const auto x = uniform<T>(B * L * I, 1), dy = uniform<T>(B * L * I, 2);
  const auto weight = uniform<S>(I * W, 3), bias = uniform<S>(full ? I : 0, 4);
  const auto before = uniform<T>(full ? B * (W - 1) * I : 0, 5);
  auto y = unwritten<T>(x.size()), dx = y, dbefore = unwritten<T>(before.size());
  auto dweight = unwritten<S>(weight.size()), dbias = unwritten<S>(bias.size());

  CausalConv1dGradParams<T, S> g{};
  g.forward = {B,       L, I, W, I, silu, x.data(), weight.data(), pointer(bias), pointer(before),
               y.data()};
  causal_conv1d<T, S>(g.forward, nullptr);
  g.dy_stride = I, g.dy = dy.data(), g.dx = dx.data(), g.dweight = dweight.data();
  g.dbias = pointer(dbias), g.dinitial_state = pointer(dbefore);
  auto workspace = unwritten<S>(causal_conv1d_grad_workspace(g));
  causal_conv1d_grad<T, S>(g, workspace.data(), nullptr);

  Wide ey(x.size()), edx(x.size()), edbefore(before.size()), edweight(weight.size()),
      edbias(bias.size());
  for (int64_t b = 0; b < B; ++b) {
    for (int64_t t = 0; t < L; ++t) {
      for (int64_t i = 0; i < I; ++i) {
        const auto place = [&](int64_t j, bool* past) {
          const int64_t s = t - (W - 1) + j;
          *past = s < 0;
          return s < 0 ? (b * (W - 1) + s + W - 1) * I + i : (b * L + s) * I + i;
        };
        double sum = full ? widened(bias[i]) : 0;
        bool past;
        for (int64_t j = 0; j < W; ++j) {
          const int64_t at = place(j, &past);
          const double value = past ? (full ? widened(before[at]) : 0) : widened(x[at]);
          sum += widened(weight[i * W + j]) * value;
        }
        const double s = 1 / (1 + std::exp(-sum));
        ey[(b * L + t) * I + i] = silu ? sum * s : sum;
        const double slope =
            widened(dy[(b * L + t) * I + i]) * (silu ? s * (1 + sum * (1 - s)) : 1);
        if (full) edbias[i] += slope;
        for (int64_t j = 0; j < W; ++j) {
          const int64_t at = place(j, &past);
          const double w = widened(weight[i * W + j]);
          if (!past) {
            edx[at] += slope * w;
            edweight[i * W + j] += slope * widened(x[at]);
          } else if (full) {
            edbefore[at] += slope * w;
            edweight[i * W + j] += slope * widened(before[at]);
          }
        }
      }
    }
  }
  if constexpr (sizeof(T) == 2) {
    EXPECT_LE(roundings(y, ey), 1.0);
    EXPECT_LE(roundings(dx, edx), 1.0);
    EXPECT_LE(roundings(dbefore, edbefore), 1.0);
  } else {
    EXPECT_LE(relative_error(y, ey), 2e-6);
    EXPECT_LE(relative_error(dx, edx), 5e-6);
    EXPECT_LE(relative_error(dbefore, edbefore), 5e-6);
  }
  EXPECT_LE(relative_error(dweight, edweight), 5e-6);
  EXPECT_LE(relative_error(dbias, edbias), 5e-6);
}

TEST(CudaCausalConv1d, MatchesItsEquation) {
  for (int64_t length : {1, 2, 3, 31, 32, 33, 41, 82}) {
    check_conv<float, float>(2, length, 3, 4, true, true);
  }
  for (int64_t taps : {1, 2, 3, 5, 16, 17, 64}) {
    check_conv<float, float>(1, 35, 3, taps, true, true);
    check_conv<float, float>(1, 35, 3, taps, false, false);
  }
  check_conv<float, float>(1, 3, 129, 4, true, false);
  check_conv<double, double>(2, 7, 3, 4, true, true);
  check_conv<__half, float>(1, 19, 3, 4, true, true);
  check_conv<__nv_bfloat16, float>(1, 19, 3, 4, true, true);
}

TEST(CudaCausalConv1d, OldNansDoNotLeakThroughPadding) {
  std::vector<float> x = {NAN, 1, 1, 1, 1}, weight = {1, 1, 1}, y(5);
  causal_conv1d<float, float>(
      {1, 5, 1, 3, 1, false, x.data(), weight.data(), nullptr, nullptr, y.data()}, nullptr);
  EXPECT_TRUE(std::isnan(y[2]));
  EXPECT_EQ(y[3], 3);
}

// ---- add_rms_norm ------------------------------------------------------------------------------

template <class T, class S>
void check_norm(int64_t rows, int64_t M, bool with_residual) {
  SCOPED_TRACE("rows " + std::to_string(rows) + " M " + std::to_string(M));
  const double eps = 1e-5;
  const auto x = uniform<T>(rows * M, 1), dnormed = uniform<T>(rows * M, 2);
  const auto residual = uniform<S>(with_residual ? rows * M : 0, 3), weight = uniform<S>(M, 4);
  const auto dsum = uniform<S>(with_residual ? rows * M : 0, 5);
  auto normed = unwritten<T>(rows * M);
  auto sum = unwritten<S>(rows * M), dx = sum, dweight = unwritten<S>(M);
  add_rms_norm<T, S>(
      {rows, M, eps, x.data(), pointer(residual), weight.data(), normed.data(), sum.data()},
      nullptr);
  const AddRmsNormGradParams<T, S> g{rows,          M,          eps,           dnormed.data(),
                                     pointer(dsum), sum.data(), weight.data(), dx.data(),
                                     dweight.data()};
  auto workspace = unwritten<S>(add_rms_norm_grad_workspace(g));
  add_rms_norm_grad<T, S>(g, workspace.data(), nullptr);

  Wide enormed(rows * M), esum(rows * M), edx(rows * M), edweight(M);
  for (int64_t r = 0; r < rows; ++r) {
    double squares = 0, product = 0;
    for (int64_t m = 0; m < M; ++m) {
      const int64_t at = r * M + m;
      esum[at] = widened(x[at]) + (with_residual ? widened(residual[at]) : 0);
      squares += esum[at] * esum[at];
      product += esum[at] * widened(dnormed[at]) * widened(weight[m]);
    }
    const double scale = 1 / std::sqrt(squares / M + eps);
    for (int64_t m = 0; m < M; ++m) {
      const int64_t at = r * M + m;
      const double dn = widened(dnormed[at]), w = widened(weight[m]);
      enormed[at] = esum[at] * scale * w;
      edx[at] = scale * w * dn - product * scale * scale * scale / M * esum[at] +
                (with_residual ? widened(dsum[at]) : 0);
      edweight[m] += dn * esum[at] * scale;
    }
  }
  if constexpr (sizeof(T) == 2) {
    EXPECT_LE(roundings(normed, enormed), 1.0);
  } else {
    EXPECT_LE(relative_error(normed, enormed), 2e-6);
  }
  EXPECT_LE(relative_error(sum, esum), 2e-6);
  EXPECT_LE(relative_error(dx, edx), 5e-6);
  EXPECT_LE(relative_error(dweight, edweight), 5e-6);
}

TEST(CudaAddRmsNorm, MatchesItsEquation) {
  for (int64_t M : {2, 31, 32, 33, 130}) {
    check_norm<float, float>(5, M, true);
    check_norm<float, float>(1, M, false);
  }
  for (int64_t rows : {63, 64, 65}) check_norm<float, float>(rows, 7, true);
  check_norm<double, double>(3, 20, true);
  check_norm<__half, float>(3, 20, true);
  check_norm<__nv_bfloat16, float>(3, 20, true);
}

// ---- wkv ---------------------------------------------------------------------------------------

struct WkvSizes {
  int64_t B, L, C;
  bool with_state;
  double k_range;
};

// Forward by the recurrence; the gradients by central differences of it in float64.
template <class T, class S>
struct WkvCase {
  WkvSizes z;
  Wide decay, bonus, k, v, state, dy, dlast;

  explicit WkvCase(const WkvSizes& sizes) : z(sizes) {
    decay = widened(uniform<S>(z.C, 1, -2, -0.1)), bonus = widened(uniform<S>(z.C, 2));
    k = widened(uniform<T>(z.B * z.L * z.C, 3, -z.k_range, z.k_range));
    v = widened(uniform<T>(z.B * z.L * z.C, 4)), dy = widened(uniform<T>(z.B * z.L * z.C, 5));
    if (z.with_state) {
      state = widened(uniform<S>(z.B * 3 * z.C, 6, 0.5, 1.5));
      dlast = widened(uniform<S>(z.B * 3 * z.C, 7));
    }
  }
  void outputs(Wide* y, Wide* last) const {
    y->assign(k.size(), 0), last->assign(z.B * 3 * z.C, 0);
    for (int64_t b = 0; b < z.B; ++b) {
      for (int64_t c = 0; c < z.C; ++c) {
        const auto at = [&](int64_t row) { return (b * 3 + row) * z.C + c; };
        double n = z.with_state ? state[at(0)] : 0, d = z.with_state ? state[at(1)] : 0;
        double m = z.with_state ? state[at(2)] : -1e38;
        for (int64_t t = 0; t < z.L; ++t) {
          const int64_t e = (b * z.L + t) * z.C + c;
          const double top = std::fmax(m, bonus[c] + k[e]);
          const double past = std::exp(m - top), here = std::exp(bonus[c] + k[e] - top);
          (*y)[e] = (past * n + here * v[e]) / (past * d + here);
          const double next = std::fmax(m + decay[c], k[e]);
          const double keep = std::exp(m + decay[c] - next), add = std::exp(k[e] - next);
          n = keep * n + add * v[e], d = keep * d + add, m = next;
        }
        (*last)[at(0)] = n, (*last)[at(1)] = d, (*last)[at(2)] = m;
      }
    }
  }
  double loss() const {
    Wide y, last;
    outputs(&y, &last);
    double sum = 0;
    for (size_t i = 0; i < y.size(); ++i) sum += y[i] * dy[i];
    for (size_t i = 0; i < dlast.size(); ++i) sum += last[i] * dlast[i];
    return sum;
  }
  Wide slope_of(Wide WkvCase::*argument) {
    Wide slopes;
    for (double& value : this->*argument) {
      const double kept = value, step = 1e-5;
      value = kept + step;
      const double up = loss();
      value = kept - step;
      slopes.push_back((up - loss()) / (2 * step));
      value = kept;
    }
    return slopes;
  }
};

template <class V>
std::vector<V> all_narrowed(const Wide& values) {
  std::vector<V> out;
  for (double value : values) out.push_back(narrowed<V>(value));
  return out;
}

template <class T, class S>
void check_wkv(const WkvSizes& z) {
  SCOPED_TRACE("L " + std::to_string(z.L) + " C " + std::to_string(z.C) + " state " +
               std::to_string(z.with_state));
  WkvCase<T, S> c(z);
  const auto decay = all_narrowed<S>(c.decay), bonus = all_narrowed<S>(c.bonus),
             state = all_narrowed<S>(c.state), dlast = all_narrowed<S>(c.dlast);
  const auto k = all_narrowed<T>(c.k), v = all_narrowed<T>(c.v), dy = all_narrowed<T>(c.dy);
  auto y = unwritten<T>(k.size()), dk = y, dv = y;
  auto last = unwritten<S>(z.B * 3 * z.C), dstate = unwritten<S>(state.size());
  auto ddecay = unwritten<S>(z.C), dbonus = ddecay;
  WkvGradParams<T, S> g{};
  g.forward = {z.B,          z.L,          z.C,      z.C,      z.C,
               decay.data(), bonus.data(), k.data(), v.data(), pointer(state),
               y.data(),     last.data(),  nullptr};
  auto saved = unwritten<S>(wkv_saved(g.forward.batch, g.forward.length, g.forward.width));
  g.forward.saved = saved.data();
  wkv<T, S>(g.forward, nullptr);
  g.dy_stride = z.C, g.dy = dy.data(), g.dlast_state = pointer(dlast);
  g.ddecay = ddecay.data(), g.dbonus = dbonus.data(), g.dk = dk.data(), g.dv = dv.data();
  g.dstate = pointer(dstate);
  auto workspace = unwritten<S>(wkv_grad_workspace(g));
  wkv_grad<T, S>(g, workspace.data(), nullptr);

  Wide ey, elast;
  c.outputs(&ey, &elast);
  using Case = WkvCase<T, S>;
  if constexpr (sizeof(T) == 2) {
    EXPECT_LE(roundings(y, ey), 1.0);
    EXPECT_LE(roundings(dk, c.slope_of(&Case::k)), 1.0);
    EXPECT_LE(roundings(dv, c.slope_of(&Case::v)), 1.0);
  } else {
    EXPECT_LE(relative_error(y, ey), 2e-6);
    EXPECT_LE(relative_error(dk, c.slope_of(&Case::k)), 1e-5);
    EXPECT_LE(relative_error(dv, c.slope_of(&Case::v)), 1e-5);
  }
  EXPECT_LE(relative_error(last, elast), 2e-6);
  EXPECT_LE(relative_error(ddecay, c.slope_of(&Case::decay)), 1e-5);
  EXPECT_LE(relative_error(dbonus, c.slope_of(&Case::bonus)), 1e-5);
  EXPECT_LE(relative_error(dstate, c.slope_of(&Case::state)), 1e-5);
}

TEST(CudaWkv, MatchesItsEquation) {
  for (int64_t length : {1, 2, 3, 7, 8, 9, 16, 17, 41}) {
    check_wkv<float, float>({2, length, 3, true, 3});
    check_wkv<float, float>({1, length, 2, false, 3});
  }
  check_wkv<float, float>({1, 3, 65, true, 2});
  check_wkv<float, float>({1, 10, 3, true, 60});
  check_wkv<double, double>({2, 9, 3, true, 3});
  check_wkv<__half, float>({1, 11, 3, true, 3});
  check_wkv<__nv_bfloat16, float>({1, 11, 3, true, 3});
}

// ---- s4d_kernel --------------------------------------------------------------------------------

template <class S>
void check_s4d(int64_t H, int64_t M, int64_t L) {
  SCOPED_TRACE("H " + std::to_string(H) + " modes " + std::to_string(M) + " L " +
               std::to_string(L));
  const auto log_dt = uniform<S>(H, 1, -6.9, -2.3), log_A = uniform<S>(H * M, 2, -1, 0);
  auto A_imag = uniform<S>(H * M, 3, 0, 3.14);
  for (size_t e = 0; e < A_imag.size(); ++e) A_imag[e] += S(3.14) * S(e % M);
  const auto C = uniform<S>(H * M * 2, 4), dk = uniform<S>(H * L, 5);
  auto k = unwritten<S>(H * L), dlog_dt = unwritten<S>(H), dlog_A = unwritten<S>(H * M);
  auto dA_imag = dlog_A, dC = unwritten<S>(H * M * 2);
  S4dKernelGradParams<S> g{};
  g.forward = {H, M, L, log_dt.data(), log_A.data(), A_imag.data(), C.data(), k.data()};
  s4d_kernel<S>(g.forward, nullptr);
  g.dk = pointer(dk), g.dlog_dt = dlog_dt.data(), g.dlog_A_real = dlog_A.data();
  g.dA_imag = dA_imag.data(), g.dC = dC.data();
  s4d_kernel_grad<S>(g, nullptr);

  using Z = std::complex<double>;
  Wide ek(H * L), edlog_dt(H), edlog_A(H * M), edA_imag(H * M), edC(H * M * 2);
  for (int64_t h = 0; h < H; ++h) {
    for (int64_t n = 0; n < M; ++n) {
      const int64_t e = h * M + n;
      const double dt = std::exp(widened(log_dt[h]));
      const Z A(-std::exp(widened(log_A[e])), widened(A_imag[e]));
      const Z weight(widened(C[2 * e]), widened(C[2 * e + 1])), step = std::exp(dt * A);
      const Z ratio = (step - 1.0) / A;
      for (int64_t l = 0; l < L; ++l) {
        const Z power = std::exp(dt * A * double(l));
        ek[h * L + l] += 2 * (weight * ratio * power).real();
        // d k / d A and d k / d dt of 2 C (exp(dt A) - 1) / A exp(dt A l), as complex slopes.
        const double seed = 2 * widened(dk[h * L + l]);
        const Z by_A = weight * power * ((dt * step - ratio) / A + ratio * dt * double(l));
        const Z by_dt = weight * power * (step + ratio * A * double(l));
        edlog_dt[h] += seed * by_dt.real() * dt;
        edlog_A[e] += seed * by_A.real() * A.real();
        edA_imag[e] -= seed * by_A.imag();
        edC[2 * e] += seed * (ratio * power).real();
        edC[2 * e + 1] -= seed * (ratio * power).imag();
      }
    }
  }
  EXPECT_LE(relative_error(k, ek), 1e-5);
  EXPECT_LE(relative_error(dlog_dt, edlog_dt), 5e-5);
  EXPECT_LE(relative_error(dlog_A, edlog_A), 5e-5);
  EXPECT_LE(relative_error(dA_imag, edA_imag), 5e-5);
  EXPECT_LE(relative_error(dC, edC), 5e-5);
}

TEST(CudaS4dKernel, MatchesItsEquation) {
  for (int64_t length : {1, 2, 3, 82, 127, 128, 129}) check_s4d<float>(2, 3, length);
  for (int64_t modes : {1, 4, 32, 64, 65}) check_s4d<float>(1, modes, 41);
  check_s4d<float>(1, 4, 10007);  // the angle keeps its digits
  check_s4d<double>(2, 5, 41);
}

// ---- long_conv ---------------------------------------------------------------------------------

template <class T, class S>
void check_long_conv(int64_t B, int64_t L, int64_t H, bool with_D) {
  SCOPED_TRACE("B " + std::to_string(B) + " L " + std::to_string(L) + " H " + std::to_string(H));
  const auto u = uniform<T>(B * L * H, 1), dy = uniform<T>(B * L * H, 2);
  const auto k = uniform<S>(H * L, 3), D = uniform<S>(with_D ? H : 0, 4);
  auto y = unwritten<T>(u.size()), du = y;
  auto dk = unwritten<S>(k.size()), dD = unwritten<S>(D.size());
  LongConvGradParams<T, S> g{};
  g.forward = {B, L, H, H, u.data(), k.data(), pointer(D), y.data()};
  ASSERT_EQ((long_conv<T, S>(g.forward, nullptr)), 0);
  g.dy_stride = H, g.dy = dy.data(), g.du = du.data(), g.dk = dk.data(), g.dD = pointer(dD);
  auto workspace = unwritten<S>(long_conv_grad_workspace(g));
  ASSERT_EQ((long_conv_grad<T, S>(g, workspace.data(), nullptr)), 0);

  Wide ey(u.size()), edu(u.size()), edk(k.size()), edD(D.size());
  for (int64_t b = 0; b < B; ++b) {
    for (int64_t h = 0; h < H; ++h) {
      const auto at = [&](int64_t t) { return (b * L + t) * H + h; };
      for (int64_t l = 0; l < L; ++l) {
        const double slope = widened(dy[at(l)]);
        for (int64_t j = 0; j <= l; ++j) {
          ey[at(l)] += widened(k[h * L + j]) * widened(u[at(l - j)]);
          edu[at(l - j)] += widened(k[h * L + j]) * slope;
          edk[h * L + j] += widened(u[at(l - j)]) * slope;
        }
        if (!with_D) continue;
        ey[at(l)] += widened(D[h]) * widened(u[at(l)]);
        edu[at(l)] += widened(D[h]) * slope;
        edD[h] += widened(u[at(l)]) * slope;
      }
    }
  }
  if constexpr (sizeof(T) == 2) {
    EXPECT_LE(roundings(y, ey), 1.0);
    EXPECT_LE(roundings(du, edu), 1.0);
  } else {
    EXPECT_LE(relative_error(y, ey), 2e-6);
    EXPECT_LE(relative_error(du, edu), 5e-6);
  }
  EXPECT_LE(relative_error(dk, edk), 5e-6);
  EXPECT_LE(relative_error(dD, edD), 5e-6);
}

TEST(CudaLongConv, MatchesItsEquation) {
  for (int64_t length : {1, 2, 3, 7, 8, 9, 31, 32, 33, 41, 82}) {
    check_long_conv<float, float>(2, length, 3, true);
  }
  check_long_conv<float, float>(5, 9, 33, false);
  check_long_conv<float, float>(1, 256, 1, true);
  check_long_conv<double, double>(1, 128, 2, true);
  check_long_conv<__half, float>(1, 19, 3, true);
  check_long_conv<__nv_bfloat16, float>(1, 19, 3, true);
  EXPECT_NE((long_conv<float, float>({1, 257, 1, 1, nullptr, nullptr, nullptr, nullptr}, nullptr)),
            0);
}

}  // namespace
}  // namespace icl::kernels
