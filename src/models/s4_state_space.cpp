// SPDX-License-Identifier: Apache-2.0
#include <ATen/ATen.h>

#include <cmath>
#include <numbers>

#include "icl/base/error.h"
#include "icl/models/s4.h"
#include "icl/ops/s4d_kernel.h"

namespace icl {
namespace {

constexpr double kDtMin = 1e-3;
constexpr double kDtMax = 1e-1;

void draw_log_dt(at::Tensor& log_dt) {
  log_dt.uniform_(std::log(kDtMin), std::log(kDtMax));
}

// Complex normal numbers of variance one, as real and imaginary parts [..., 2].
void draw_complex_normal(at::Tensor& c) {
  c.normal_(0.0, std::sqrt(0.5));
}

at::Tensor complex_modes(const at::Tensor& log_a_real, const at::Tensor& a_imag) {
  return at::complex(-at::exp(log_a_real), a_imag);
}

// Imaginary parts of the modes.
at::Tensor frequencies(const std::string& init, int64_t d_state) {
  const at::Tensor n = at::arange(d_state / 2, at::kDouble);
  const auto size = static_cast<double>(d_state);
  if (init == "s4d_inv") return size / std::numbers::pi * (size / (2 * n + 1) - 1);
  if (init == "s4d_legs") return at::imag(hippo_legs(d_state).lambda);
  return std::numbers::pi * n;
}

void check_states(int64_t d_state) {
  if (d_state < 2 || d_state % 2 != 0) {
    throw UsageError(str("model.d_state is ", d_state,
                         ", expected an even number: the modes of S4 come in conjugate pairs"));
  }
}

}  // namespace

LegS hippo_legs(int64_t d_state) {
  const at::Tensor n = at::arange(d_state, at::kDouble);
  const at::Tensor b = at::sqrt(2 * n + 1);
  const at::Tensor p = at::sqrt(n + 0.5);
  const at::Tensor a = -at::tril(at::outer(b, b), -1) - at::diag(n + 1);
  // A + p p^T = -1/2 + skew; i times a skew matrix is Hermitian.
  const at::Tensor normal = a + at::outer(p, p) + 0.5 * at::eye(d_state, at::kDouble);
  const auto [w, v] =
      at::linalg_eigh(at::complex(at::zeros_like(normal), -normal));  // ascending, +-pairs
  const int64_t half = d_state / 2;
  const at::Tensor frequency = w.narrow(0, half, half);
  const at::Tensor basis = v.narrow(1, half, half).conj().t();  // [N/2, N]
  const auto project = [&](const at::Tensor& x) { return at::mv(basis, x.to(basis.dtype())); };
  return {at::complex(at::full_like(frequency, -0.5), frequency), project(p), project(b)};
}

DiagonalStateSpace::DiagonalStateSpace(int64_t n_channels, int64_t d_state, std::string init)
    : init_(std::move(init)) {
  check_states(d_state);
  c_ = register_parameter("C", at::empty({n_channels, d_state / 2, 2}));
  log_dt_ = register_parameter("log_dt", at::empty({n_channels}));
  log_a_real_ = register_parameter("log_A_real", at::empty({n_channels, d_state / 2}));
  a_imag_ = register_parameter("A_imag", at::empty({n_channels, d_state / 2}));
}

void DiagonalStateSpace::reset_parameters() {
  const at::NoGradGuard no_grad;
  const int64_t d_state = 2 * a_imag_.size(1);
  draw_log_dt(log_dt_);
  draw_complex_normal(c_);
  log_a_real_.fill_(std::log(0.5));
  a_imag_.copy_(frequencies(init_, d_state).expand_as(a_imag_));
  if (init_ == "s4d_legs") {  // B is not 1 there: C stands for their product
    const at::Tensor product = at::view_as_complex(c_.to(at::kDouble)) * hippo_legs(d_state).b;
    c_.copy_(at::view_as_real(product));
  }
}

at::Tensor DiagonalStateSpace::kernel(int64_t length) const {
  return s4d_kernel(log_dt_, log_a_real_, a_imag_, c_, length);
}

at::Tensor DiagonalStateSpace::initial_state(int64_t batch) const {
  return at::zeros({batch, c_.size(0), c_.size(1), 2}, c_.options());
}

at::Tensor DiagonalStateSpace::recur(const at::Tensor& u_BLH, at::Tensor& state) const {
  const at::Tensor a = complex_modes(log_a_real_, a_imag_);
  const at::Tensor decay = at::exp(a * at::exp(log_dt_).unsqueeze(1));
  const at::Tensor c = 2 * at::view_as_complex(c_) * (decay - 1) / a;
  at::Tensor x = at::view_as_complex(state);  // [B, H, N/2]
  std::vector<at::Tensor> ys;
  for (const at::Tensor& u : u_BLH.unbind(1)) {
    x = decay * x + u.unsqueeze(2);
    ys.push_back(at::real(c * x).sum(2));
  }
  state = at::view_as_real(x);
  return at::stack(ys, 1);
}

DplrStateSpace::DplrStateSpace(int64_t n_channels, int64_t d_state, std::string discretization)
    : discretization_(std::move(discretization)) {
  check_states(d_state);
  const int64_t half = d_state / 2;
  c_ = register_parameter("C", at::empty({n_channels, half, 2}));
  b_ = register_parameter("B", at::empty({n_channels, half, 2}));
  p_ = register_parameter("P", at::empty({n_channels, half, 2}));
  log_dt_ = register_parameter("log_dt", at::empty({n_channels}));
  log_a_real_ = register_parameter("log_A_real", at::empty({n_channels, half}));
  a_imag_ = register_parameter("A_imag", at::empty({n_channels, half}));
}

void DplrStateSpace::reset_parameters() {
  const at::NoGradGuard no_grad;
  const LegS legs = hippo_legs(2 * a_imag_.size(1));
  draw_log_dt(log_dt_);
  draw_complex_normal(c_);
  b_.copy_(at::view_as_real(legs.b).expand_as(b_));
  p_.copy_(at::view_as_real(legs.p).expand_as(p_));
  log_a_real_.copy_(at::log(-at::real(legs.lambda)).expand_as(log_a_real_));
  a_imag_.copy_(at::imag(legs.lambda).expand_as(a_imag_));
}

DplrStateSpace::Discrete DplrStateSpace::discrete() const {
  const auto real_then_imaginary = [](const at::Tensor& x) {  // [H, N/2, 2] -> [H, N]
    return x.transpose(1, 2).flatten(1);
  };
  const at::Tensor real = at::diag_embed(-at::exp(log_a_real_));
  const at::Tensor imaginary = at::diag_embed(a_imag_);
  const at::Tensor p = real_then_imaginary(p_);
  // P P* x over conjugate pairs is P 2 Re(P* x).
  const at::Tensor a = at::cat({at::cat({real, -imaginary}, 2), at::cat({imaginary, real}, 2)}, 1) -
                       2 * p.unsqueeze(2) * p.unsqueeze(1);
  const at::Tensor b = real_then_imaginary(b_).unsqueeze(2);
  const at::Tensor c = 2 * at::cat({c_.select(2, 0), -c_.select(2, 1)}, 1);
  const at::Tensor dt = at::exp(log_dt_).view({-1, 1, 1});
  const at::Tensor one = at::eye(a.size(1), a.options());
  if (discretization_ == "zoh") {
    const at::Tensor power = at::linalg_matrix_exp(dt * a);
    return {power, at::linalg_solve(a, at::matmul(power - one, b)).squeeze(2), c};
  }
  const at::Tensor both =
      at::linalg_solve(one - dt / 2 * a, at::cat({one + dt / 2 * a, dt * b}, 2));
  return {both.narrow(2, 0, a.size(1)), both.select(2, a.size(1)), c};
}

at::Tensor DplrStateSpace::kernel(int64_t length) const {
  return discretization_ == "zoh" ? kernel_by_powers(length) : kernel_by_cauchy(length);
}

at::Tensor DplrStateSpace::kernel_by_powers(int64_t length) const {
  const Discrete space = discrete();
  at::Tensor rows = space.c.unsqueeze(1);  // C A^l for l = 0, 1, ...: [H, l, N]
  for (at::Tensor power = space.a; rows.size(1) < length; power = at::bmm(power, power)) {
    rows = at::cat({rows, at::bmm(rows, power)}, 1);
  }
  return at::bmm(rows.narrow(1, 0, length), space.b.unsqueeze(2)).squeeze(2);
}

// S4, appendix C: sum_l k_l w^l = C (1 - A^L) (1 - w A)^-1 B at the L-th roots of unity w. With
// the bilinear rule the inverse is diagonal plus rank one. Everything is scaled by (1 + w) / 2
// against the paper, which removes the pole at w = -1.
at::Tensor DplrStateSpace::kernel_by_cauchy(int64_t length) const {
  const Discrete space = discrete();
  const at::Tensor truncated =  // C (1 - A^L)
      space.c - at::bmm(space.c.unsqueeze(1), at::linalg_matrix_power(space.a, length)).squeeze(1);
  const int64_t half = a_imag_.size(1);
  const at::Tensor c =
      at::complex(truncated.narrow(1, 0, half), -truncated.narrow(1, half, half)) / 2;
  const at::Tensor b = at::view_as_complex(b_);
  const at::Tensor p = at::view_as_complex(p_);
  const at::Tensor dt = at::exp(log_dt_).unsqueeze(1);  // [H, 1]

  const at::Tensor angle = -2 * std::numbers::pi / static_cast<double>(length) *
                           at::arange(length / 2 + 1, dt.options());
  const at::Tensor w = at::polar(at::ones_like(angle), angle);
  const at::Tensor g = (1 + w) / 2;
  const at::Tensor modes = (dt * complex_modes(log_a_real_, a_imag_)).unsqueeze(2);  // [H, N/2, 1]
  const at::Tensor inverse = 1 / (1 - w - modes * g);  // [H, N/2, L/2 + 1]
  const at::Tensor mirrored = 1 / (1 - w - modes.conj() * g);
  const auto cauchy = [&](const at::Tensor& v) {
    return (v.unsqueeze(2) * inverse + v.conj().unsqueeze(2) * mirrored).sum(1);
  };
  const at::Tensor correction =
      dt * g * cauchy(c * p) * cauchy(p.conj() * b) / (1 + dt * g * cauchy(p.conj() * p));
  return at::fft_irfft(dt * (cauchy(c * b) - correction), length);
}

at::Tensor DplrStateSpace::initial_state(int64_t batch) const {
  return at::zeros({batch, c_.size(0), 2 * c_.size(1)}, c_.options());
}

at::Tensor DplrStateSpace::recur(const at::Tensor& u_BLH, at::Tensor& state) const {
  const Discrete space = discrete();
  at::Tensor x = state.transpose(0, 1);  // [H, B, N]
  std::vector<at::Tensor> ys;
  for (const at::Tensor& u : u_BLH.unbind(1)) {
    x = at::bmm(x, space.a.transpose(1, 2)) + u.t().unsqueeze(2) * space.b.unsqueeze(1);
    ys.push_back((x * space.c.unsqueeze(1)).sum(2).t());
  }
  state = x.transpose(0, 1).contiguous();
  return at::stack(ys, 1);
}

}  // namespace icl
