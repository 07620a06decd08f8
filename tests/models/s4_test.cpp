// SPDX-License-Identifier: Apache-2.0
#include "icl/models/s4.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "icl/base/error.h"
#include "icl/ops/long_conv.h"
#include "tests/models/zoo.h"

namespace icl {
namespace {

// sum_j k_j u_(l-j), term by term.
at::Tensor direct_convolution(const at::Tensor& u_BLH, const at::Tensor& k_HL) {
  at::Tensor y = at::zeros_like(u_BLH);
  const int64_t length = u_BLH.size(1);
  for (int64_t j = 0; j < length; ++j) {
    y.narrow(1, j, length - j) += k_HL.select(1, j) * u_BLH.narrow(1, 0, length - j);
  }
  return y;
}

at::Tensor fft_convolution(const at::Tensor& u_BLH, const at::Tensor& k_HL) {
  const int64_t length = u_BLH.size(1);
  const at::Tensor product =
      at::fft_rfft(u_BLH.transpose(1, 2), 2 * length) * at::fft_rfft(k_HL, 2 * length);
  return at::fft_irfft(product, 2 * length).narrow(2, 0, length).transpose(1, 2);
}

std::vector<std::pair<std::string, std::shared_ptr<StateSpace>>> all_spaces() {
  std::vector<std::pair<std::string, std::shared_ptr<StateSpace>>> spaces;
  for (const char* init : {"s4d_lin", "s4d_inv", "s4d_legs"}) {
    spaces.emplace_back(init, std::make_shared<DiagonalStateSpace>(3, 16, init));
  }
  for (const char* rule : {"bilinear", "zoh"}) {
    spaces.emplace_back(rule, std::make_shared<DplrStateSpace>(3, 16, rule));
  }
  at::manual_seed(1);
  for (auto& [name, space] : spaces) {
    space->reset_parameters();
    space->to(at::kDouble);
  }
  return spaces;
}

TEST(S4, OneModeByHand) {
  DiagonalStateSpace space(1, 2, "s4d_lin");
  space.reset_parameters();
  space.to(at::kDouble);
  const at::NoGradGuard no_grad;
  auto parameters = space.named_parameters();
  parameters["log_dt"].fill_(std::log(0.1));
  parameters["log_A_real"].fill_(std::log(0.5));
  parameters["A_imag"].fill_(2.0);
  parameters["C"].copy_(at::tensor({0.3, -0.4}, at::kDouble).view({1, 1, 2}));
  const std::complex<double> a(-0.5, 2.0), c(0.3, -0.4);
  const at::Tensor k = space.kernel(4);
  for (int64_t l = 0; l < 4; ++l) {
    const auto lag = static_cast<double>(l);
    const double expected =
        2 * std::real(c * (std::exp(0.1 * a) - 1.0) / a * std::exp(0.1 * lag * a));
    EXPECT_NEAR(k[0][l].item<double>(), expected, 1e-14);
  }
}

TEST(S4, ConvolvesAsItRecurs) {
  const at::NoGradGuard no_grad;
  const at::Tensor u = at::randn({2, 41, 3}, at::kDouble);
  for (const auto& [name, space] : all_spaces()) {
    const at::Tensor k = space->kernel(41);
    at::Tensor state = space->initial_state(2);
    const at::Tensor by_steps = space->recur(u, state);
    const double scale = std::max(1.0, largest(by_steps));
    EXPECT_LE(largest(direct_convolution(u, k) - by_steps), 1e-12 * scale) << name;
    EXPECT_LE(largest(fft_convolution(u, k) - by_steps), 1e-12 * scale) << name;
    EXPECT_LE(largest(long_conv(u, k) - by_steps), 1e-12 * scale) << name;
  }
}

TEST(S4, FindsTheSameKernelByCauchySums) {
  const at::NoGradGuard no_grad;
  at::manual_seed(2);
  DplrStateSpace space(3, 16, "bilinear");
  space.reset_parameters();
  space.to(at::kDouble);
  for (const int64_t length : {1, 2, 7, 82}) {
    const at::Tensor expected = space.kernel_by_powers(length);
    EXPECT_LE(largest(space.kernel(length) - expected), 1e-11 * largest(expected)) << length;
  }
}

TEST(S4, DecomposesHippo) {
  // A of HiPPO-LegS has eigenvalues -1, ..., -N: traces of its powers tell.
  const int64_t n_state = 6;
  const LegS legs = hippo_legs(n_state);
  const at::Tensor lambda = at::cat({legs.lambda, legs.lambda.conj()});
  const at::Tensor p = at::cat({legs.p, legs.p.conj()});
  const at::Tensor b = at::cat({legs.b, legs.b.conj()});
  const at::Tensor a = at::diag(lambda) - at::outer(p, p.conj());
  const auto trace = [](const at::Tensor& m) { return at::real(m.trace()).item<double>(); };
  EXPECT_NEAR(trace(a), -21.0, 1e-10);           // 1 + ... + 6
  EXPECT_NEAR(trace(at::mm(a, a)), 91.0, 1e-9);  // 1 + 4 + ... + 36
  EXPECT_NEAR(trace(at::mm(at::mm(a, a), a)), -441.0, 1e-7);
  // B* A B does not depend on the basis: by hand from A and B_n = sqrt(2n + 1).
  double expected = 0;
  for (int64_t n = 0; n < n_state; ++n) {
    for (int64_t k = 0; k <= n; ++k) {
      const auto bn = static_cast<double>(2 * n + 1), bk = static_cast<double>(2 * k + 1);
      expected -= n == k ? bn * static_cast<double>(n + 1) : bn * bk;
    }
  }
  EXPECT_NEAR(at::real(at::dot(b.conj(), at::mv(a, b))).item<double>(), expected, 1e-8);
  EXPECT_GT(at::imag(legs.lambda).min().item<double>(), 0.0);
}

TEST(S4, StartsAsPublished) {
  at::manual_seed(3);
  S4Mixer mixer({.d_model = 512, .d_state = 64});
  mixer.reset_parameters({});
  const auto parameters = mixer.named_parameters();
  EXPECT_LE(largest(at::exp(parameters["kernel.log_A_real"]) - 0.5), 1e-6);
  EXPECT_NEAR(parameters["kernel.A_imag"][5][31].item<double>(), 31 * std::numbers::pi, 1e-4);
  EXPECT_NEAR(parameters["kernel.C"].std().item<double>(), std::sqrt(0.5), 0.01);
  EXPECT_NEAR(parameters["D"].std().item<double>(), 1.0, 0.1);
  EXPECT_NEAR(largest(parameters["output_linear.weight"]), 1 / std::sqrt(512.0), 1e-4);
  const at::Tensor log_dt = parameters["kernel.log_dt"];
  EXPECT_GE(log_dt.min().item<double>(), std::log(1e-3));
  EXPECT_LE(log_dt.max().item<double>(), std::log(1e-1));
  EXPECT_NEAR(log_dt.mean().item<double>(), std::log(1e-2), 0.2);

  DiagonalStateSpace inverse(1, 64, "s4d_inv");
  inverse.reset_parameters();
  const at::Tensor frequencies = inverse.named_parameters()["A_imag"];
  EXPECT_NEAR(frequencies[0][0].item<double>(), 64 / std::numbers::pi * 63, 1e-2);
  EXPECT_NEAR(frequencies[0][31].item<double>(), 64 / std::numbers::pi * (64.0 / 63 - 1), 1e-5);
}

TEST(S4, DropsWholeChannelsAgainAndAgain) {
  S4Mixer mixer({.d_model = 64, .d_state = 4, .dropout = 0.5});
  at::manual_seed(4);
  mixer.reset_parameters({});
  const at::NoGradGuard no_grad;
  const at::Tensor x = at::randn({8, 5, 64});
  at::manual_seed(5);
  const at::Tensor first = mixer.forward(x);
  at::manual_seed(5);
  EXPECT_TRUE(at::equal(mixer.forward(x), first));  // the seed replays the draw
  EXPECT_FALSE(at::equal(mixer.forward(x), first));
  const at::Tensor dropped = (first == 0).to(at::kFloat).mean(1);  // over time
  EXPECT_TRUE(((dropped == 0) | (dropped == 1)).all().item<bool>());
  EXPECT_NEAR(dropped.mean().item<double>(), 0.5, 0.1);
  mixer.eval();
  EXPECT_TRUE(at::equal(mixer.forward(x), mixer.forward(x)));
  EXPECT_EQ((mixer.forward(x) == 0).sum().item<int64_t>(), 0);
}

TEST(S4, RefusesAnOddNumberOfStates) {
  EXPECT_THROW(make_backbone({.family = S4Family{.d_state = 7}}), UsageError);
}

}  // namespace
}  // namespace icl
