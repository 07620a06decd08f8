// SPDX-License-Identifier: Apache-2.0
#include "icl/evaluation/settings.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "icl/base/error.h"
#include "icl/tasks/decision_tree.h"
#include "icl/tasks/linear_classification.h"
#include "icl/tasks/linear_regression.h"
#include "icl/tasks/noisy_linear_regression.h"
#include "icl/tasks/relu_2nn_regression.h"
#include "icl/tasks/rotated_inputs.h"
#include "icl/tasks/task_sampler.h"

namespace icl {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;

Prompts prompts_of(const std::string& name, const TaskConfig& trained, const PromptDraw& draw) {
  const Setting& setting = *settings().find(name);
  return sample_prompts(setting, task_of(setting, trained).value(), draw);
}

Prompts prompts_of(const std::string& name, int64_t n_points = 24, int64_t n_dims = 8) {
  return prompts_of(name, TaskConfig{.n_dims = n_dims}, {.n_points = n_points, .batch_size = 16});
}

TaskConfig skewed(SkewedInputs inputs = {}) {
  TaskConfig task;
  task.inputs.distribution = inputs;
  return task;
}

std::vector<std::string> names_of(const std::string& suite, const TaskConfig& task) {
  std::vector<std::string> names;
  const std::optional<std::vector<Setting>> settings = settings_of_suite(suite, task);
  for (const Setting& each : settings.value()) names.push_back(each.name);
  return names;
}

TEST(Suites, ThePaperHasFifteenSettingsForLinearFunctions) {
  EXPECT_EQ(names_of("paper", {}).size(), 15);
  EXPECT_EQ(names_of("paper", {.function = NoisyLinearRegression{}}), names_of("paper", {}));
  EXPECT_THAT(names_of("paper", {}), Not(Contains("extrapolation")));
  EXPECT_THAT(names_of("paper", {.function = Relu2nnRegression{}}),
              ElementsAre("standard", "transfer"));
  EXPECT_THAT(names_of("paper", {.function = DecisionTree{}}), ElementsAre("standard"));
}

TEST(Suites, AllLeavesOutWhatDoesNotApply) {
  EXPECT_THAT(names_of("all", {}), Not(Contains("transfer")));
  EXPECT_THAT(names_of("all", {}), Not(Contains("training_distribution")));
  EXPECT_THAT(names_of("all", skewed()), Contains("training_distribution"));
  EXPECT_THAT(names_of("all", {.function = DecisionTree{}}), Not(Contains("noisy")));
  EXPECT_THAT(names_of("all", {.function = LinearClassification{}}), Not(Contains("scale_y_2")));
  EXPECT_FALSE(settings_of_suite("standart", {}).has_value());
}

// A class of functions that icl has not: what applies follows from its traits alone.
struct Doubling {
  static constexpr const char* kName = "doubling";
  static constexpr const char* kSummary = "twice the first coordinate";
  FunctionTraits traits(int64_t) const { return {.paper_settings = {"skewed"}}; }
  FunctionParameters draw(const FunctionRequest&, const RandomStream&) const { return {}; }
  at::Tensor evaluate(const FunctionParameters&, const at::Tensor& xs_BKD) const {
    return 2 * xs_BKD.select(2, 0);
  }
};

TEST(Suites, WorkForAnyClassOfFunctions) {
  const TaskConfig task{.function = Doubling{}, .n_dims = 3};
  EXPECT_THAT(names_of("paper", task), ElementsAre("standard", "skewed"));
  EXPECT_THAT(names_of("all", task), Contains("scale_y_2"));
  EXPECT_THAT(names_of("all", task), Not(Contains("noisy")));
  const Prompts prompts = prompts_of("scale_y_3", task, {.n_points = 4, .batch_size = 2});
  EXPECT_TRUE(at::allclose(prompts.ys_BK, 6 * prompts.xs_BKD.select(2, 0)));
}

TEST(Suites, TheTableIsOpen) {
  static const bool added = [] {
    settings().add({.name = "mirrored",
                    .description = "queries opposite to the points",
                    .arrange = [](const at::Tensor& drawn_BKD, const RandomStream&) {
                      return Arrangement{drawn_BKD, -drawn_BKD};
                    }});
    return true;
  }();
  EXPECT_TRUE(added);
  EXPECT_THAT(suite_names(), Contains("mirrored"));
  EXPECT_THAT(names_of("all", {}), Contains("mirrored"));
  const Prompts prompts = prompts_of("mirrored");
  EXPECT_TRUE(at::allclose(prompts.targets_BK, -prompts.ys_BK));
  EXPECT_THROW(settings().add({.name = "standard"}), UsageError);
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
  EXPECT_EQ(task_of(*settings().find("noisy"), {})->traits().noise_std, 1);
}

TEST(Suites, StandardIsIsotropicWhateverTheTraining) {
  const PromptDraw draw = {.n_points = 5, .batch_size = 4};
  const at::Tensor plain = prompts_of("standard", {}, draw).xs_BKD;
  EXPECT_TRUE(at::equal(prompts_of("standard", skewed(), draw).xs_BKD, plain));
  EXPECT_FALSE(at::equal(prompts_of("training_distribution", skewed(), draw).xs_BKD, plain));
}

TEST(Suites, TheTrainingDistributionHasTheRotationOfTheRun) {
  TaskConfig task = skewed({.exponent = 8, .rotation = "fixed"});  // all but a line
  task.n_dims = 2;
  const auto direction = [](const at::Tensor& xs_BKD) {
    return std::get<2>(at::linalg_svd(xs_BKD.flatten(0, 1)))[0].abs();
  };
  const auto evaluated = [&](uint64_t train_seed) {
    return direction(prompts_of("training_distribution", task,
                                {.n_points = 16, .batch_size = 4, .train_seed = train_seed})
                         .xs_BKD);
  };
  const at::Tensor trained =
      direction(TaskSampler(task, 7).sample({.batch_size = 4, .n_points = 16, .n_dims = 2}).xs_BKD);
  EXPECT_TRUE(at::allclose(evaluated(7), trained, 1e-2, 1e-2));
  EXPECT_FALSE(at::allclose(evaluated(8), trained, 1e-2, 1e-2));
}

TEST(Suites, TransferTestsOnLinearFunctions) {
  const auto task = task_of(*settings().find("transfer"), {.function = Relu2nnRegression{}});
  EXPECT_NE(task->function.get_if<LinearRegression>(), nullptr);
  EXPECT_FALSE(task_of(*settings().find("transfer"), {}).has_value());
}

}  // namespace
}  // namespace icl
