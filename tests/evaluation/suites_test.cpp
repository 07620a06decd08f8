// SPDX-License-Identifier: Apache-2.0
#include "icl/evaluation/suites.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "icl/base/error.h"
#include "icl/tasks/task_sampler.h"

namespace icl {
namespace {

Setting setting(const std::string& name, const std::string& function = "linear_regression") {
  TaskConfig task;
  task.function = function;
  return expand_suites({name}, task).front();
}

Prompts prompts_of(const std::string& name, int64_t n_points = 24, int64_t n_dims = 8) {
  TaskConfig task;
  task.n_dims = n_dims;
  return sample_prompts(setting(name), task, {.n_points = n_points, .batch_size = 16});
}

std::vector<std::string> names_of(const std::string& suite, const TaskConfig& task) {
  std::vector<std::string> names;
  for (const Setting& each : expand_suites({suite}, task)) names.push_back(each.name);
  return names;
}

TEST(Suites, ThePaperHasFifteenSettingsForLinearFunctions) {
  TaskConfig task;
  EXPECT_EQ(names_of("paper", task).size(), 15);
  task.function = "relu_2nn_regression";
  EXPECT_THAT(names_of("paper", task), ::testing::ElementsAre("standard", "transfer"));
  task.function = "decision_tree";
  EXPECT_THAT(names_of("paper", task), ::testing::ElementsAre("standard"));
}

TEST(Suites, AllLeavesOutWhatDoesNotApply) {
  TaskConfig task;
  EXPECT_THAT(names_of("all", task), ::testing::Not(::testing::Contains("transfer")));
  EXPECT_THAT(names_of("all", task), ::testing::Not(::testing::Contains("training_distribution")));
  task.inputs.distribution = "skewed";
  EXPECT_THAT(names_of("all", task), ::testing::Contains("training_distribution"));
  task.function = "decision_tree";
  EXPECT_THAT(names_of("all", task), ::testing::Not(::testing::Contains("noisy")));
  EXPECT_THROW(expand_suites({"noisy"}, task), UsageError);
  EXPECT_THROW(expand_suites({"standart"}, task), UsageError);
}

TEST(Suites, QuadrantPointsHaveOneSignPatternAndQueriesAny) {
  const Prompts prompts = prompts_of("random_quadrants");
  const at::Tensor signs = prompts.xs_BKD.sign();
  EXPECT_TRUE(at::equal(signs, signs.narrow(1, 0, 1).expand_as(signs)));
  EXPECT_TRUE(at::equal(prompts.xs_BKD.abs(), prompts.queries_BKD.abs()));
  EXPECT_NEAR((prompts.queries_BKD.sign() == signs).to(at::kFloat).mean().item<float>(), 0.5, 0.05);
  const Prompts opposite = prompts_of("opposite_quadrants");
  EXPECT_TRUE(at::equal(opposite.queries_BKD, -opposite.xs_BKD));
}

TEST(Suites, OrthogonalQueriesHaveNoPartInTheSpanBefore) {
  const Prompts prompts = prompts_of("orthogonal", 8, 8);
  const at::Tensor products =
      at::bmm(prompts.queries_BKD, prompts.xs_BKD.transpose(1, 2)).tril(-1).abs();
  EXPECT_LT(products.max().item<float>(), 2e-5);
  EXPECT_TRUE(at::allclose(prompts.queries_BKD.norm(2, {2}, false),
                           prompts.xs_BKD.norm(2, {2}, false), 1e-5));
}

TEST(Suites, OverlappingQueriesRepeatAPointBefore) {
  const Prompts prompts = prompts_of("overlapping");
  // same [B, query, point]
  const at::Tensor same = (prompts.queries_BKD.unsqueeze(2) == prompts.xs_BKD.unsqueeze(1)).all(3);
  const at::Tensor where = same.to(at::kInt).argmax(2);
  EXPECT_TRUE(same.any(2).all().item<bool>());
  EXPECT_EQ(where.select(1, 0).max().item<int64_t>(), 0);
  for (int64_t i = 1; i < 24; ++i) EXPECT_LT(where.select(1, i).max().item<int64_t>(), i);
  EXPECT_GT(where.select(1, 23).max().item<int64_t>(), 12);
  // Without noise the target is the y that the prompt showed.
  EXPECT_TRUE(at::allclose(prompts.targets_BK, prompts.ys_BK.gather(1, where), 1e-5, 1e-5));
}

TEST(Suites, InputsAndValuesAreScaled) {
  const Prompts standard = prompts_of("standard");
  EXPECT_FALSE(standard.queries_BKD.defined());
  EXPECT_TRUE(at::allclose(prompts_of("scale_x_3").xs_BKD, 3 * standard.xs_BKD));
  EXPECT_TRUE(at::allclose(prompts_of("scale_x_3").ys_BK, 3 * standard.ys_BK, 1e-5, 1e-5));
  EXPECT_TRUE(at::equal(prompts_of("scale_y_2").xs_BKD, standard.xs_BKD));
  EXPECT_TRUE(at::allclose(prompts_of("scale_y_2").ys_BK, 2 * standard.ys_BK));
}

TEST(Suites, SubspacesHaveHalfTheRankAndTheSameSize) {
  const at::Tensor xs = prompts_of("half_subspace", 64).xs_BKD.flatten(0, 1).to(at::kDouble);
  const at::Tensor values = at::linalg_svdvals(xs) / std::sqrt(64 * 16.);
  EXPECT_GT(values[3].item<double>(), 1.2);  // sqrt(2)
  EXPECT_LT(values[4].item<double>(), 1e-5);
}

TEST(Suites, NoiseIsRenormalised) {
  const Prompts prompts = prompts_of("noisy", 64);
  EXPECT_NEAR(prompts.ys_BK.std().item<double>(), std::sqrt(8.), 1e-4);
  const Setting noisy = setting("noisy");
  EXPECT_EQ(task_of(noisy, TaskConfig{}).noise_std, 1);
}

TEST(Suites, StandardIsIsotropicWhateverTheTraining) {
  TaskConfig task;
  task.inputs.distribution = "skewed";
  const PromptRequest request = {.n_points = 5, .batch_size = 4};
  const at::Tensor plain = sample_prompts(setting("standard"), TaskConfig{}, request).xs_BKD;
  EXPECT_TRUE(at::equal(sample_prompts(setting("standard"), task, request).xs_BKD, plain));
  EXPECT_FALSE(
      at::equal(sample_prompts(setting("training_distribution"), task, request).xs_BKD, plain));
}

TEST(Suites, TheTrainingDistributionHasTheRotationOfTheRun) {
  TaskConfig task;
  task.n_dims = 2;
  task.inputs.distribution = "skewed";
  task.inputs.exponent = 8;  // all but a line
  task.inputs.rotation = "fixed";
  const auto direction = [](const at::Tensor& xs_BKD) {
    return std::get<2>(at::linalg_svd(xs_BKD.flatten(0, 1)))[0].abs();
  };
  const auto evaluated = [&](uint64_t train_seed) {
    return direction(sample_prompts(setting("training_distribution"), task,
                                    {.n_points = 16, .batch_size = 4, .train_seed = train_seed})
                         .xs_BKD);
  };
  const at::Tensor trained =
      direction(TaskSampler(task, 7).sample({.batch_size = 4, .n_points = 16, .n_dims = 2}).xs_BKD);
  EXPECT_TRUE(at::allclose(evaluated(7), trained, 1e-2, 1e-2));
  EXPECT_FALSE(at::allclose(evaluated(8), trained, 1e-2, 1e-2));
}

TEST(Suites, TransferTestsOnLinearFunctions) {
  TaskConfig task;
  task.function = "relu_2nn_regression";
  EXPECT_EQ(task_of(setting("transfer", task.function), task).function, "linear_regression");
}

}  // namespace
}  // namespace icl
