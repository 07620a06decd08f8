// SPDX-License-Identifier: Apache-2.0
#include "icl/models/mamba.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/models/zoo.h"

namespace icl {
namespace {

double silu(double x) {
  return x / (1 + std::exp(-x));
}

TEST(Mamba, MixesByHand) {
  // Width 1, inner width 1, state 1, window 2, rank 1: two tokens on paper.
  MambaMixer mixer({.d_model = 1, .d_state = 1, .d_conv = 2, .expand = 1, .dt_rank = 1});
  auto parameters = mixer.named_parameters();
  const at::NoGradGuard no_grad;
  const auto set = [&](const char* name, at::ArrayRef<float> values) {
    parameters[name].copy_(at::tensor(values).view_as(parameters[name]));
  };
  set("in_proj.weight", {2.f, 0.5f});  // x = 2u, z = u/2
  set("conv1d.weight", {0.25f, 1.f});  // the previous token, this one
  set("conv1d.bias", {0.1f});
  set("x_proj.weight", {0.3f, 0.7f, -1.1f});  // dt, B, C
  set("dt_proj.weight", {1.5f});
  set("dt_proj.bias", {-0.2f});
  set("A_log", {std::log(0.8f)});
  set("D", {0.6f});
  set("out_proj.weight", {3.f});
  const double u[] = {1.0, -0.5};
  double h = 0, previous = 0;
  const at::Tensor y = mixer.forward(at::tensor({1.f, -0.5f}).view({1, 2, 1}));
  for (int t = 0; t < 2; ++t) {
    const double x = silu(0.25 * previous + 2 * u[t] + 0.1);
    previous = 2 * u[t];
    const double dt = std::log1p(std::exp(1.5 * 0.3 * x - 0.2));
    h = std::exp(-0.8 * dt) * h + dt * (0.7 * x) * x;
    const double expected = 3 * ((-1.1 * x) * h + 0.6 * x) * silu(u[t] / 2);
    EXPECT_NEAR(y[0][t][0].item<double>(), expected, 1e-6) << "token " << t;
  }
}

TEST(Mamba, StartsAsPublished) {
  at::manual_seed(5);
  MambaMixer mixer({.d_model = 256});
  mixer.reset_parameters({.index = 3, .count = 24});
  const auto parameters = mixer.named_parameters();
  const auto bound = [&](const char* name) { return largest(parameters[name]); };
  EXPECT_EQ(parameters.size(), 9u);
  EXPECT_NEAR(bound("in_proj.weight"), 1 / std::sqrt(256.0), 1e-4);
  EXPECT_NEAR(bound("conv1d.weight"), 0.5, 0.01);
  EXPECT_NEAR(bound("conv1d.bias"), 0.5, 0.02);
  EXPECT_NEAR(bound("x_proj.weight"), 1 / std::sqrt(512.0), 1e-4);
  EXPECT_NEAR(bound("dt_proj.weight"), 0.25, 1e-3);  // 16^-1/2
  EXPECT_NEAR(bound("out_proj.weight"), 1 / std::sqrt(512.0) / std::sqrt(24.0), 1e-4);
  EXPECT_TRUE(at::equal(parameters["D"], at::ones({512})));
  const at::Tensor a = at::exp(parameters["A_log"]);
  EXPECT_LE(largest(a - at::arange(1, 17).expand({512, 16})), 1e-5);
  // Steps log-uniform in [1e-3, 0.1]: mean of the logarithm halfway, its variance range^2 / 12.
  const at::Tensor log_dt = at::log(at::softplus(parameters["dt_proj.bias"].to(at::kDouble)));
  EXPECT_GE(log_dt.min().item<double>(), std::log(1e-3) - 1e-4);
  EXPECT_LE(log_dt.max().item<double>(), std::log(1e-1) + 1e-4);
  EXPECT_NEAR(log_dt.mean().item<double>(), std::log(1e-2), 0.2);
  EXPECT_NEAR(log_dt.std().item<double>(), std::log(100.0) / std::sqrt(12.0), 0.1);
}

TEST(Mamba, KeepsAWindowAndAState) {
  MambaMixer mixer({.d_model = 8, .d_state = 3, .d_conv = 4});
  const auto slots = mixer.initial_state(5);
  ASSERT_EQ(slots.size(), 2u);
  EXPECT_EQ(slots[0].sizes(), (at::IntArrayRef{5, 3, 16}));
  EXPECT_EQ(slots[1].sizes(), (at::IntArrayRef{5, 16, 3}));
}

TEST(Mamba, WorksWithoutAWindow) {
  at::manual_seed(2);
  const auto backbone =
      make_backbone({.family = MambaFamily{.d_conv = 1}, .d_model = 8, .n_layer = 1});
  const at::NoGradGuard no_grad;
  const at::Tensor x = at::randn({1, 4, 8});
  State state = backbone->initial_state(1);
  const at::Tensor first = backbone->forward(x.narrow(1, 0, 2), state);
  const at::Tensor second = backbone->forward(x.narrow(1, 2, 2), state);
  EXPECT_LE(largest(at::cat({first, second}, 1) - backbone->forward(x)), 1e-6);
}

}  // namespace
}  // namespace icl
