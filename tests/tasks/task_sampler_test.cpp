// SPDX-License-Identifier: Apache-2.0
#include "icl/tasks/task_sampler.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "icl/tasks/noisy_linear_regression.h"
#include "icl/tasks/rotated_inputs.h"

namespace icl {
namespace {

std::vector<TaskConfig> every_task() {
  std::vector<TaskConfig> configs;
  for (const auto& task : tasks().entries()) configs.push_back({.function = task.make()});
  for (const auto& distribution : inputs().entries()) {
    configs.push_back({});
    configs.back().inputs.distribution = distribution.make();
  }
  configs.push_back({.num_tasks = 10});
  configs.push_back({.num_training_examples = 100});
  return configs;
}

bool same(const Batch& a, const Batch& b) {
  return at::equal(a.xs_BKD, b.xs_BKD) && at::equal(a.ys_BK, b.ys_BK);
}

TEST(TaskSampler, ReplaysAStepAloneWithAnyNumberOfThreads) {
  const int threads = at::get_num_threads();
  for (const TaskConfig& config : every_task()) {
    const TaskSampler sampler(config, 1);
    const SampleRequest request{.step = 3};
    at::set_num_threads(1);
    const Batch first = sampler.sample(request);
    EXPECT_EQ(first.xs_BKD.sizes(), (at::IntArrayRef{64, 41, 20}));
    EXPECT_EQ(first.ys_BK.sizes(), (at::IntArrayRef{64, 41}));
    sampler.sample({.step = 4});
    at::set_num_threads(4);
    EXPECT_TRUE(same(first, TaskSampler(config, 1).sample(request))) << config.function.name();
    EXPECT_FALSE(same(first, sampler.sample({.step = 4}))) << config.function.name();
    EXPECT_FALSE(same(first, TaskSampler(config, 2).sample(request))) << config.function.name();
    EXPECT_FALSE(same(first, TaskSampler(config, 1, "evaluation").sample(request)));
  }
  at::set_num_threads(threads);
}

// The weights of linear prompts, recovered from more points than dimensions.
at::Tensor weights_of(const Batch& batch) {
  return std::get<0>(at::linalg_lstsq(batch.xs_BKD, batch.ys_BK.unsqueeze(2))).squeeze(2);
}

std::set<int64_t> distinct(const at::Tensor& values) {
  std::set<int64_t> result;
  for (int64_t b = 0; b < values.size(0); ++b) {
    result.insert(std::llround(values[b].item<double>() * 1000));
  }
  return result;
}

TEST(TaskSampler, DrawsFromAFixedPoolOfTasks) {
  const TaskSampler sampler({.n_dims = 3, .num_tasks = 4}, 1);
  std::set<int64_t> tasks;
  std::set<int64_t> inputs;
  for (int64_t step = 0; step < 4; ++step) {
    const Batch batch = sampler.sample({.step = step, .n_points = 12, .n_dims = 3});
    tasks.merge(distinct(weights_of(batch).select(1, 0)));
    inputs.merge(distinct(batch.xs_BKD.select(1, 0).select(1, 0)));
  }
  EXPECT_EQ(tasks.size(), 4U);
  EXPECT_GT(inputs.size(), 200U);
}

TEST(TaskSampler, ABatchRepeatsNoTaskOfThePoolBeforeAllAreTaken) {
  const TaskSampler sampler({.n_dims = 3, .num_tasks = 10}, 1);
  for (int64_t step = 0; step < 20; ++step) {
    const Batch batch =
        sampler.sample({.step = step, .batch_size = 8, .n_points = 12, .n_dims = 3});
    EXPECT_EQ(distinct(weights_of(batch).select(1, 0)).size(), 8U) << step;
  }
}

TEST(TaskSampler, DrawsFromAFixedPoolOfPrompts) {
  const TaskSampler sampler({.n_dims = 3, .num_training_examples = 5}, 1);
  std::set<int64_t> tasks;
  std::set<int64_t> inputs;
  for (int64_t step = 0; step < 4; ++step) {
    const Batch batch = sampler.sample({.step = step, .n_points = 12, .n_dims = 3});
    tasks.merge(distinct(weights_of(batch).select(1, 0)));
    inputs.merge(distinct(batch.xs_BKD.select(1, 0).select(1, 0)));
  }
  EXPECT_EQ(tasks.size(), 5U);
  EXPECT_EQ(inputs.size(), 5U);
}

// Every prompt as often as any other, none twice in a batch; a batch larger than the pool holds all
// of it.
TEST(TaskSampler, ChoosesFromThePoolEvenlyAndWithoutRepeats) {
  const TaskSampler sampler({.n_dims = 1, .num_training_examples = 10}, 1);
  std::map<int64_t, int> times;
  for (int64_t step = 0; step < 300; ++step) {
    const Batch batch = sampler.sample({.step = step, .batch_size = 4, .n_points = 1, .n_dims = 1});
    const std::set<int64_t> prompts = distinct(batch.xs_BKD.flatten());
    EXPECT_EQ(prompts.size(), 4U);
    for (const int64_t prompt : prompts) ++times[prompt];
  }
  EXPECT_EQ(times.size(), 10U);
  for (const auto& [prompt, count] : times) EXPECT_NEAR(count, 120, 35);  // 4 deviations
  const Batch large = sampler.sample({.batch_size = 23, .n_points = 1, .n_dims = 1});
  EXPECT_EQ(large.xs_BKD.size(0), 23);
  EXPECT_EQ(distinct(large.xs_BKD.flatten()).size(), 10U);
}

TEST(TaskSampler, DrawsFromAPoolOfAnySizeAtOnce) {
  const TaskSampler sampler({.n_dims = 1, .num_training_examples = int64_t{1} << 40}, 1);
  const Batch batch = sampler.sample({.batch_size = 8, .n_points = 1, .n_dims = 1});
  EXPECT_EQ(distinct(batch.xs_BKD.flatten()).size(), 8U);
}

// The published code renormalises the ys of a batch, not of a prompt; one y has no spread to scale.
TEST(TaskSampler, PromptsOfThePoolAreRenormalisedTogether) {
  TaskConfig config = {.function = NoisyLinearRegression{}, .n_dims = 4};
  config.function.as<NoisyLinearRegression>().noise_std = 1;
  config.function.as<NoisyLinearRegression>().renormalize_ys = true;
  config.num_training_examples = 50;
  const TaskSampler sampler(config, 1);
  const at::Tensor ys = sampler.sample({.batch_size = 8, .n_points = 20, .n_dims = 4}).ys_BK;
  EXPECT_NEAR(ys.std().item<double>(), 2, 1e-4);
  EXPECT_GT(ys.std(1).std().item<double>(), 0.2);
  const Batch single = sampler.sample({.batch_size = 1, .n_points = 1, .n_dims = 4});
  EXPECT_TRUE(at::isfinite(single.ys_BK).all().item<bool>());
}

TEST(TaskSampler, AFixedRotationCanBeThatOfATrainingRun) {
  TaskConfig config = {.n_dims = 2};
  config.inputs.distribution = SkewedInputs{.exponent = 8, .rotation = "fixed"};  // all but a line
  const SampleRequest request = {.batch_size = 1, .n_points = 64, .n_dims = 2};
  const auto direction = [&](const TaskSampler& sampler) {
    const at::Tensor xs = sampler.sample(request).xs_BKD[0];
    return std::get<2>(at::linalg_svd(xs))[0].abs();
  };
  const at::Tensor training = direction(TaskSampler(config, 7));
  EXPECT_TRUE(at::allclose(direction(TaskSampler(config, 1, "mine", 7)), training, 1e-2, 1e-2));
  EXPECT_FALSE(at::allclose(direction(TaskSampler(config, 1, "mine")), training, 1e-2, 1e-2));
}

TEST(TaskSampler, PromptsOfThePoolGrowWithTheCurriculum) {
  const TaskSampler sampler({.num_training_examples = 100}, 1);
  const Batch small = sampler.sample({.batch_size = 8, .n_points = 11, .n_dims = 5});
  const Batch large = sampler.sample({.batch_size = 8, .n_points = 41, .n_dims = 5});
  EXPECT_TRUE(at::equal(small.xs_BKD, large.xs_BKD.slice(1, 0, 11)));
  EXPECT_TRUE(at::allclose(small.ys_BK, large.ys_BK.slice(1, 0, 11), 1e-5, 1e-5));
}

}  // namespace
}  // namespace icl
