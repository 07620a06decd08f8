// SPDX-License-Identifier: Apache-2.0
#include "src/training/mixed_precision.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "icl/models/regression_model.h"
#include "icl/training/trainer.h"

namespace icl {
namespace {

RunConfig tiny(const std::string& family) {
  RunConfig config;
  config.model = {.family = family, .d_model = 16, .n_layer = 2, .d_state = 4, .n_head = 2};
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
    Trainer plain(config, c10::kCPU);
    config.training.precision = "bfloat16";
    Trainer mixed(config, c10::kCPU);
    for (int64_t step = 0; step < 3; ++step) {
      const double expected = plain.step(step, true)->loss;
      EXPECT_NEAR(mixed.step(step, true)->loss, expected, 0.02 * expected) << family << " " << step;
    }
  }
}

}  // namespace
}  // namespace icl
