// SPDX-License-Identifier: Apache-2.0
//
// Every family learns within a few hundred steps of a small model: one function that is always the
// same, whose values it can learn by heart; and functions that are fresh in every prompt, which it
// must learn in context. Those have two dimensions where that is enough steps for them, and one for
// GPT-2 and S4: with more, GPT-2 stays on a plateau for thousands of steps, and S4 learns slowly.
#include <gtest/gtest.h>

#include <cstdio>

#include "icl/models/gpt2.h"
#include "icl/models/mamba.h"
#include "icl/models/mambaformer.h"
#include "icl/models/model_config.h"
#include "icl/models/rwkv4.h"
#include "icl/models/s4.h"
#include "icl/training/trainer.h"

namespace icl {
namespace {

// Linear regression, 8 points: E[y^2] = n_dims over fresh functions.
RunConfig small(const ModelConfig& model, int64_t n_dims, int64_t steps) {
  RunConfig config;
  config.seed = 1;
  config.model = model;
  config.task.n_dims = n_dims;
  config.training.steps = steps;
  config.training.batch_size = 32;
  config.training.optimizer.lr = model.family.get_if<Gpt2Family>() ? 3e-3 : 5e-3;
  config.training.schedule.warmup_steps = 20;
  config.training.grad_clip = 1.0;
  config.training.curriculum = {.dims = {.start = n_dims, .end = n_dims},
                                .points = {.start = 8, .end = 8}};
  return config;
}

// Errors at the last point, over the first and the last steps.
struct Errors {
  double first = 0, last = 0;
};

Errors train(const RunConfig& config) {
  constexpr int64_t kWindow = 10;
  Trainer trainer(config, make_objective(config, c10::kCPU), c10::kCPU);
  Errors errors;
  for (int64_t step = 0; step < config.training.steps; ++step) {
    const bool early = step < kWindow;
    const bool late = step >= config.training.steps - kWindow;
    const auto report = trainer.step(step, early || late);
    if (early) errors.first += report->errors.back() / kWindow;
    if (late) errors.last += report->errors.back() / kWindow;
  }
  std::printf("error at the eighth point: %.4f -> %.4f\n", errors.first, errors.last);
  return errors;
}

std::string zoo_name(const ::testing::TestParamInfo<ModelConfig>& info) {
  const ModelConfig& model = info.param;
  const auto* s4 = model.family.get_if<S4Family>();
  return model.family.name() + (s4 != nullptr ? "_" + s4->kernel + "_" + s4->norm : "");
}

class Learning : public ::testing::TestWithParam<ModelConfig> {};
class LearningInContext : public ::testing::TestWithParam<ModelConfig> {};
class LearningOneDimensionInContext : public ::testing::TestWithParam<ModelConfig> {};

TEST_P(Learning, OneFunctionByHeart) {
  RunConfig config = small(GetParam(), /*n_dims=*/2, /*steps=*/200);
  config.task.num_tasks = 1;
  const Errors errors = train(config);
  EXPECT_LT(errors.last, 0.05 * errors.first);
}

TEST_P(LearningInContext, FreshFunctions) {
  const Errors errors = train(small(GetParam(), /*n_dims=*/2, /*steps=*/400));
  EXPECT_GT(errors.first, 1.3);
  EXPECT_LT(errors.last, 0.7);
}

TEST_P(LearningOneDimensionInContext, FreshFunctions) {
  RunConfig config = small(GetParam(), /*n_dims=*/1, /*steps=*/600);
  config.training.batch_size = 64;
  config.training.optimizer.lr = config.model.family.get_if<Gpt2Family>() ? 6e-3 : 2e-2;
  const Errors errors = train(config);
  EXPECT_GT(errors.first, 0.7);
  EXPECT_LT(errors.last, 0.5);
}

const ModelConfig kMamba = {.family = MambaFamily{.d_state = 8}, .d_model = 32, .n_layer = 2};
const ModelConfig kMambaformer = {
    .family = MambaformerFamily{.mamba = {.d_state = 8}, .n_head = 2}, .d_model = 32, .n_layer = 2};
const ModelConfig kRwkv4 = {.family = Rwkv4Family{}, .d_model = 32, .n_layer = 2};
const ModelConfig kS4 = {.family = S4Family{.d_state = 16}, .d_model = 32, .n_layer = 2};
const ModelConfig kS4Pre = {
    .family = S4Family{.d_state = 16, .norm = "pre", .dropout = 0}, .d_model = 32, .n_layer = 2};
const ModelConfig kS4Dplr = {
    .family = S4Family{.d_state = 8, .kernel = "dplr", .norm = "pre", .dropout = 0},
    .d_model = 32,
    .n_layer = 2};

INSTANTIATE_TEST_SUITE_P(
    Zoo, Learning,
    ::testing::Values(ModelConfig{.family = Gpt2Family{.n_head = 2}, .d_model = 32, .n_layer = 2},
                      kMamba, kMambaformer, kRwkv4, kS4, kS4Pre, kS4Dplr),
    zoo_name);

INSTANTIATE_TEST_SUITE_P(Zoo, LearningInContext, ::testing::Values(kMamba, kMambaformer, kRwkv4),
                         zoo_name);

INSTANTIATE_TEST_SUITE_P(Zoo, LearningOneDimensionInContext,
                         ::testing::Values(ModelConfig{.family = Gpt2Family{.n_head = 4,
                                                                            .positions = "learned",
                                                                            .n_positions = 32},
                                                       .d_model = 32,
                                                       .n_layer = 2},
                                           kS4, kS4Pre, kS4Dplr),
                         zoo_name);

}  // namespace
}  // namespace icl
