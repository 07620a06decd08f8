// SPDX-License-Identifier: Apache-2.0
#include "src/training/mixed_precision.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "icl/models/regression_model.h"
#include "icl/models/s4.h"
#include "icl/training/trainer.h"
#include "tests/support/small_models.h"

namespace icl {
namespace {

RunConfig tiny(const std::string& family) {
  RunConfig config;
  config.model = testing::small_model_config(family, 16, 2);
  config.task.n_dims = 3;
  config.training.batch_size = 8;
  config.training.optimizer.lr = 1e-3;
  config.training.curriculum = {.dims = {.start = 3, .end = 3}, .points = {.start = 6, .end = 6}};
  return config;
}

// The operators take bfloat16 activations beside a float32 residual stream, and nothing else.
TEST(MixedPrecision, LeavesTheResidualStreamFloat32) {
  RegressionModel model(tiny("mamba").model, 3);
  const MixedPrecision mixed("bfloat16", c10::kCPU);
  const at::Tensor xs = at::randn({2, 4, 3});
  EXPECT_EQ(at::linear(xs, at::randn({5, 3})).scalar_type(), at::kBFloat16);
  EXPECT_EQ(model.read_in(xs).scalar_type(), at::kFloat);
}

TEST(MixedPrecision, TrainsEveryFamilyNearlyAsFloat32Does) {
  for (const char* family : {"gpt2", "mamba", "mambaformer", "rwkv4", "s4"}) {
    RunConfig config = tiny(family);
    Trainer plain(config, make_objective(config, c10::kCPU), c10::kCPU);
    config.training.precision = "bfloat16";
    Trainer mixed(config, make_objective(config, c10::kCPU), c10::kCPU);
    for (int64_t step = 0; step < 3; ++step) {
      const double expected = plain.step(step, true)->loss;
      EXPECT_NEAR(mixed.step(step, true)->loss, expected, 0.02 * expected) << family << " " << step;
    }
  }
}

// The kernel of S4 is powers of its state matrix, whose bfloat16 products were off by 2.5%
// (bilinear) and 5% (zoh): state spaces stay in float32, and the rest of the mixer is off by
// bfloat16's 2^-8.
TEST(MixedPrecision, LeavesStateSpacesFloat32) {
  const at::NoGradGuard no_grad;
  for (const char* discretization : {"bilinear", "zoh"}) {
    at::manual_seed(1);
    S4Mixer mixer(
        {.d_model = 16, .d_state = 8, .kernel = "dplr", .discretization = discretization});
    mixer.reset_parameters({});
    mixer.eval();
    const at::Tensor x = at::randn({2, 40, 16});
    const at::Tensor expected = mixer.forward(x);
    const MixedPrecision mixed("bfloat16", c10::kCPU);
    const at::Tensor difference = mixer.forward(x).to(at::kFloat) - expected;
    EXPECT_LT(difference.norm().item<double>(), 0.008 * expected.norm().item<double>())
        << discretization;
  }
}

// Part by part: the gradient of every parameter is near that of float32.
TEST(MixedPrecision, GradientsOfEveryPartAreNearlyThoseOfFloat32) {
  for (const std::string& family : families().names()) {
    RunConfig config = tiny(family);
    const auto plain = make_objective(config, c10::kCPU);
    config.training.precision = "bfloat16";
    const auto mixed = make_objective(config, c10::kCPU);
    for (const auto& objective : {plain.get(), mixed.get()}) {
      at::manual_seed(5);
      objective->loss(objective->draw(0)).loss.backward();
    }
    const auto expected = plain->module().named_parameters();
    for (const auto& item : mixed->module().named_parameters()) {
      const at::Tensor& whole = expected[item.key()].grad();
      const double size = whole.norm().item<double>();
      const double apart = (item.value().grad() - whole).norm().item<double>();
      EXPECT_LE(apart, 0.05 * size + 1e-6) << family << " " << item.key();
    }
  }
}

}  // namespace
}  // namespace icl
