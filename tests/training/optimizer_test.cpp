// SPDX-License-Identifier: Apache-2.0
#include "icl/training/optimizer.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <cmath>

#include "tests/support/temp_folder.h"

namespace icl {
namespace {

using ::testing::HasSubstr;
using testing::message_of;

class Pair : public torch::nn::Module {
 public:
  Pair() {
    a = register_parameter("a", at::full({2}, 1.0));
    b = register_parameter("b", at::full({1}, -2.0));
  }
  at::Tensor a, b;
};

TEST(Optimizer, CosineScheduleIsThePublishedOne) {
  const ScheduleConfig cosine;
  EXPECT_DOUBLE_EQ(learning_rate(cosine, 1e-4, 0, 500001), 1e-4);
  EXPECT_NEAR(learning_rate(cosine, 1e-4, 250000, 500001), 0.5e-4, 1e-9);
  EXPECT_NEAR(learning_rate(cosine, 1e-4, 125000, 500001), 1e-4 * (1 + std::sqrt(0.5)) / 2, 1e-9);
  EXPECT_LT(learning_rate(cosine, 1e-4, 500000, 500001), 1e-14);
}

TEST(Optimizer, WarmUpAndOtherSchedules) {
  const ScheduleConfig warm{.name = "constant", .warmup_steps = 4};
  EXPECT_DOUBLE_EQ(learning_rate(warm, 1, 0, 10), 0.25);
  EXPECT_DOUBLE_EQ(learning_rate(warm, 1, 3, 10), 1);
  EXPECT_DOUBLE_EQ(learning_rate(warm, 1, 9, 10), 1);
  const ScheduleConfig linear{.name = "linear", .final_fraction = 0.5};
  EXPECT_DOUBLE_EQ(learning_rate(linear, 2, 5, 10), 1.5);
  EXPECT_DOUBLE_EQ(learning_rate(linear, 2, 10, 10), 1);
}

// With constant gradient g the bias-corrected moments are g and g^2: each step moves by lr sign(g).
TEST(Optimizer, AdamMovesByTheLearningRateAtFirst) {
  Pair pair;
  Optimizer optimizer(pair, {});
  pair.a.mutable_grad() = at::tensor({3.0F, -0.1F});
  pair.b.mutable_grad() = at::tensor({5.0F});
  optimizer.step(0.5, at::zeros({}));
  EXPECT_NEAR(pair.a[0].item<double>(), 0.5, 1e-6);
  EXPECT_NEAR(pair.a[1].item<double>(), 1.5, 1e-6);
  EXPECT_NEAR(pair.b[0].item<double>(), -2.5, 1e-6);
}

TEST(Optimizer, SecondStepMatchesTheFormulaByHand) {
  Pair pair;
  Optimizer optimizer(pair, {});
  for (const double g : {1.0, 3.0}) {
    pair.a.mutable_grad() = at::full({2}, g);
    pair.b.mutable_grad() = at::zeros({1});
    optimizer.step(0.1, at::zeros({}));
  }
  const double m = (0.9 * 0.1 * 1 + 0.1 * 3) / (1 - 0.81);
  const double v = (0.999 * 0.001 * 1 + 0.001 * 9) / (1 - 0.999 * 0.999);
  EXPECT_NEAR(pair.a[0].item<double>(), 1 - 0.1 - 0.1 * m / (std::sqrt(v) + 1e-8), 1e-5);
  EXPECT_NEAR(pair.b[0].item<double>(), -2, 1e-7);
}

TEST(Optimizer, AdamWDecaysTheParametersThemselves) {
  Pair pair;
  Optimizer optimizer(pair, {.name = "adamw", .weight_decay = 0.5});
  pair.a.mutable_grad() = at::zeros({2});
  pair.b.mutable_grad() = at::zeros({1});
  optimizer.step(0.1, at::zeros({}));
  EXPECT_NEAR(pair.a[0].item<double>(), 1 - 0.1 * 0.5, 1e-6);
}

TEST(Optimizer, GroupsHaveTheirOwnRate) {
  Pair pair;
  Optimizer optimizer(pair, {.groups = {{.match = "b", .lr_factor = 0.1}}});
  pair.a.mutable_grad() = at::ones({2});
  pair.b.mutable_grad() = at::ones({1});
  optimizer.step(1, at::zeros({}));
  EXPECT_NEAR(pair.a[0].item<double>(), 0, 1e-5);
  EXPECT_NEAR(pair.b[0].item<double>(), -2.1, 1e-5);
  EXPECT_THAT(message_of([&] { Optimizer(pair, {.groups = {{.match = "log_dt"}}}); }),
              HasSubstr("groups.0.match: \"log_dt\" is in the name of no parameter"));
}

TEST(Optimizer, SkippedStepsChangeNothing) {
  Pair pair;
  Optimizer optimizer(pair, {});
  pair.a.mutable_grad() = at::full({2}, NAN);
  pair.b.mutable_grad() = at::ones({1});
  optimizer.step(1, at::ones({}));
  EXPECT_TRUE(at::equal(pair.a, at::ones({2})));
  EXPECT_TRUE(at::equal(pair.b, at::full({1}, -2.0)));
  for (const auto& [name, tensor] : optimizer.state()) {
    EXPECT_EQ(tensor.abs().sum().item<double>(), 0) << name;
  }
  EXPECT_EQ(optimizer.first_non_finite(), "the gradient of a");
}

TEST(Optimizer, NormAndClippingCoverAllGradients) {
  Pair pair;
  Optimizer optimizer(pair, {});
  pair.a.mutable_grad() = at::tensor({3.0F, 0.0F});
  pair.b.mutable_grad() = at::tensor({4.0F});
  EXPECT_NEAR(optimizer.gradient_norm().item<double>(), 5, 1e-6);
  optimizer.scale_gradients(at::scalar_tensor(0.5));
  EXPECT_NEAR(pair.b.grad()[0].item<double>(), 2, 1e-6);
}

}  // namespace
}  // namespace icl
