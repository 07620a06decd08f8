// SPDX-License-Identifier: Apache-2.0
//
// A selective scan's arguments and results, the kernels run on them, and the same in float64 by the
// equations, one element after the other.
#pragma once

#include "kernels/selective_scan.h"
#include "tests/emulation/arrays.h"

namespace icl::kernels {

struct ScanSizes {
  int64_t batch = 2, length = 41, width = 5, n_state = 16;
  bool full = true;  // with D, z, delta_bias and an initial state
  bool softplus = true;
  double delta_low = -3, delta_high = 1;
};

template <class T, class S>
struct ScanCase {
  explicit ScanCase(const ScanSizes& sizes_in) : sizes(sizes_in) {
    const int64_t tokens = sizes.batch * sizes.length, I = sizes.width, N = sizes.n_state;
    const int64_t some = sizes.full ? 1 : 0;
    u = uniform<T>(tokens * I, 1);
    delta = uniform<T>(tokens * I, 2, sizes.delta_low, sizes.delta_high);
    A = uniform<S>(I * N, 3, -4, -0.1);
    B = uniform<T>(tokens * N, 4);
    C = uniform<T>(tokens * N, 5);
    D = uniform<S>(some * I, 6);
    z = uniform<T>(some * tokens * I, 7, -3, 3);
    bias = uniform<S>(some * I, 8, -0.5, 0.5);
    initial = uniform<S>(some * sizes.batch * I * N, 9);
    dy = uniform<T>(tokens * I, 10);
    dlast = uniform<S>(some * sizes.batch * I * N, 11);
  }

  SelectiveScanParams<T, S> params() const {
    SelectiveScanParams<T, S> p{};
    p.batch = sizes.batch, p.length = sizes.length, p.width = sizes.width;
    p.n_state = sizes.n_state;
    p.u_stride = p.delta_stride = p.z_stride = sizes.width;
    p.B_stride = p.C_stride = sizes.n_state;
    p.delta_softplus = sizes.softplus;
    p.u = pointer(u), p.delta = pointer(delta), p.A = pointer(A), p.B = pointer(B);
    p.C = pointer(C), p.D = pointer(D), p.z = pointer(z), p.delta_bias = pointer(bias);
    p.initial_state = pointer(initial);
    return p;
  }

  void run_forward(const ScanPlan& plan) {
    SelectiveScanParams<T, S> p = params();
    y = unwritten<T>(u.size());
    last = unwritten<S>(sizes.batch * A.size());
    saved = unwritten<S>(selective_scan_saved<S>(p.batch, p.length, p.width, p.n_state));
    p.y = y.data(), p.last_state = last.data(), p.saved = saved.data();
    std::vector<S> workspace = unwritten<S>(selective_scan_workspace(p, plan));
    selective_scan<T, S>(p, plan, workspace.data(), nullptr);
  }

  void run_backward(const ScanPlan& plan) {
    SelectiveScanGradParams<T, S> g{};
    g.forward = params();
    g.forward.saved = saved.data();
    g.dy_stride = sizes.width;
    g.dy = pointer(dy), g.dlast_state = pointer(dlast);
    du = unwritten<T>(u.size()), ddelta = unwritten<T>(u.size()), dA = unwritten<S>(A.size());
    dB = unwritten<T>(B.size()), dC = unwritten<T>(C.size()), dD = unwritten<S>(D.size());
    dz = unwritten<T>(z.size()), dbias = unwritten<S>(bias.size());
    dinitial = unwritten<S>(initial.size());
    g.du = pointer(du), g.ddelta = pointer(ddelta), g.dA = pointer(dA), g.dB = pointer(dB);
    g.dC = pointer(dC), g.dD = pointer(dD), g.dz = pointer(dz), g.ddelta_bias = pointer(dbias);
    g.dinitial_state = pointer(dinitial);
    std::vector<S> workspace = unwritten<S>(selective_scan_grad_workspace(g, plan));
    selective_scan_grad<T, S>(g, plan, workspace.data(), nullptr);
  }

  ScanSizes sizes;
  std::vector<T> u, delta, B, C, z, dy;
  std::vector<S> A, D, bias, initial, dlast;
  std::vector<T> y, du, ddelta, dB, dC, dz;
  std::vector<S> last, saved, dA, dD, dbias, dinitial;
};

template <class Real>
struct ScanExpected {
  std::vector<Real> y, last, du, ddelta, dA, dB, dC, dD, dz, dbias, dinitial;
};

// From the arguments as they are, in float64 or as Real computes.
template <class Real = double, class T, class S>
ScanExpected<Real> scan_expected(const ScanCase<T, S>& c) {
  const auto [batch, length, I, N, full, with_softplus, low, high] = c.sizes;
  const auto real = [](const auto& values) {
    const Wide wide = widened(values);
    return std::vector<Real>(wide.begin(), wide.end());
  };
  const std::vector<Real> u = real(c.u), delta = real(c.delta), A = real(c.A), B = real(c.B),
                          C = real(c.C), D = real(c.D), z = real(c.z), bias = real(c.bias),
                          initial = real(c.initial), dy = real(c.dy), dlast = real(c.dlast);
  ScanExpected<Real> e;
  e.y.resize(u.size()), e.du.resize(u.size()), e.ddelta.resize(u.size()), e.dz.resize(z.size());
  e.dA.resize(A.size()), e.dB.resize(B.size()), e.dC.resize(C.size()), e.dD.resize(D.size());
  e.dbias.resize(bias.size()), e.last.resize(batch * A.size()), e.dinitial.resize(initial.size());
  std::vector<Real> h((length + 1) * N), dts(length);
  for (int64_t b = 0; b < batch; ++b) {
    for (int64_t i = 0; i < I; ++i) {
      for (int64_t n = 0; n < N; ++n) h[n] = full ? initial[(b * I + i) * N + n] : 0;
      for (int64_t t = 0; t < length; ++t) {
        const int64_t at = (b * length + t) * I + i;
        const Real x = delta[at] + (full ? bias[i] : 0);
        const Real dt = with_softplus ? (x > 20 ? x : std::log1p(std::exp(x))) : x;
        dts[t] = dt;
        Real y = full ? D[i] * u[at] : 0;
        for (int64_t n = 0; n < N; ++n) {
          const int64_t row = (b * length + t) * N + n;
          h[(t + 1) * N + n] = std::exp(dt * A[i * N + n]) * h[t * N + n] + dt * u[at] * B[row];
          y += C[row] * h[(t + 1) * N + n];
        }
        Real dgated = dy[at];
        if (full) {
          const Real s = 1 / (1 + std::exp(-z[at]));
          e.dz[at] = dy[at] * y * s * (1 + z[at] * (1 - s));
          y *= z[at] * s;
          dgated *= z[at] * s;
          e.dD[i] += dgated * u[at];
        }
        e.y[at] = y;
      }
      std::vector<Real> g(N);
      for (int64_t n = 0; n < N; ++n) {
        e.last[(b * I + i) * N + n] = h[length * N + n];
        if (full) g[n] = dlast[(b * I + i) * N + n];
      }
      for (int64_t t = length - 1; t >= 0; --t) {
        const int64_t at = (b * length + t) * I + i;
        const Real x = delta[at] + (full ? bias[i] : 0), dt = dts[t];
        Real dgated = dy[at];
        if (full) dgated *= z[at] / (1 + std::exp(-z[at]));
        Real ddt = 0, du = full ? D[i] * dgated : 0;
        for (int64_t n = 0; n < N; ++n) {
          const int64_t row = (b * length + t) * N + n;
          const Real a = std::exp(dt * A[i * N + n]), before = h[t * N + n];
          g[n] += C[row] * dgated;
          e.dC[row] += dgated * h[(t + 1) * N + n];
          e.dB[row] += g[n] * dt * u[at];
          du += g[n] * dt * B[row];
          ddt += g[n] * (u[at] * B[row] + A[i * N + n] * a * before);
          e.dA[i * N + n] += g[n] * dt * a * before;
          g[n] *= a;
        }
        if (with_softplus && x <= 20) ddt /= 1 + std::exp(-x);
        e.du[at] = du;
        e.ddelta[at] = ddt;
        if (full) e.dbias[i] += ddt;
      }
      for (int64_t n = 0; full && n < N; ++n) e.dinitial[(b * I + i) * N + n] = g[n];
    }
  }
  return e;
}

}  // namespace icl::kernels
