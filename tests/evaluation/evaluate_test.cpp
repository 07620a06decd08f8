// SPDX-License-Identifier: Apache-2.0
#include "icl/evaluation/evaluate.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "icl/base/random.h"
#include "tests/support/small_models.h"

namespace icl {
namespace {

using testing::small_model;

// The slow way: for each point i one forward pass over points 0 .. i-1 and query i.
at::Tensor predict_one_by_one(RegressionModel& model, const Prompts& prompts) {
  const at::NoGradGuard no_grad;
  at::Tensor predictions = at::zeros_like(prompts.ys_BK);
  for (int64_t i = 0; i < prompts.ys_BK.size(1); ++i) {
    at::Tensor xs = prompts.xs_BKD.clone();
    xs.select(1, i).copy_(prompts.queries_BKD.select(1, i));
    const at::Tensor all = model.predict(xs.narrow(1, 0, i + 1), prompts.ys_BK.narrow(1, 0, i + 1));
    predictions.select(1, i).copy_(all.select(1, i));
  }
  return predictions;
}

TEST(Evaluate, OnePassEqualsOnePassForEachPointInEveryFamily) {
  const TaskConfig task{.n_dims = 4};
  for (const std::string& family : families().names()) {
    const auto model = small_model(family, task.n_dims);
    for (const char* name : {"random_quadrants", "overlapping", "opposite_quadrants"}) {
      const Prompts prompts =
          sample_prompts(*settings().find(name), task, {.n_points = 13, .batch_size = 3});
      const at::Tensor fast = predict(*model, prompts);
      const at::Tensor slow = predict_one_by_one(*model, prompts);
      EXPECT_LT((fast - slow).abs().max().item<float>(), 1e-5) << family << ", " << name;
      EXPECT_GT(slow.abs().max().item<float>(), 1e-2) << family;
    }
  }
}

TEST(Evaluate, ReportsModelAndBaselinesNormalised) {
  const TaskConfig task{.n_dims = 4};
  const auto model = small_model("mamba", task.n_dims);
  const EvaluateOptions options = {.n_points = 8, .train_points = 6, .n_prompts = 3000};
  const EvalResult result = evaluate(*model, task, {"standard"}, options).front();
  ASSERT_EQ(result.curves.size(), 5);
  EXPECT_TRUE(result.curves[0].is_model);
  const Curve& zero = result.curves[1];
  EXPECT_EQ(zero.name, "zero");
  EXPECT_NEAR(zero.mean[3], 1, 0.1);  // E y^2 / d
  EXPECT_LT(zero.low[3], zero.mean[3]);
  EXPECT_GT(zero.high[3], zero.mean[3]);
  const Curve& squares = result.curves[2];
  EXPECT_NEAR(squares.mean[2], 0.5, 0.06);  // 1 - n / d
  EXPECT_LT(squares.mean[6], 1e-6);
  EXPECT_EQ(result.normaliser.name, "d");
  EXPECT_EQ(result.normaliser.value, 4);
  EXPECT_EQ(result.train_points, 6);
}

// The first of many prompts is the only one of one: its error is the mean of one, and the mean of
// 70 is that of 70 means of one.
TEST(Evaluate, PromptsDoNotDependOnHowManyThereAre) {
  const TaskConfig task{.n_dims = 3};
  const auto model = small_model("mamba", task.n_dims);
  EvaluateOptions options = {.n_points = 4, .n_prompts = 1, .baselines = {"averaging"}};
  const auto curves = [&] { return evaluate(*model, task, {"standard"}, options).front().curves; };
  const std::vector<Curve> one = curves();
  EXPECT_EQ(one[0].mean, curves()[0].mean);
  options.n_prompts = 2;
  const std::vector<Curve> two = curves();
  for (size_t curve = 0; curve < 2; ++curve) {
    for (size_t n = 1; n < 4; ++n) {
      // Two errors a and b have the mean (a + b) / 2 and the deviation |a - b| / sqrt(2).
      const double half = two[curve].std[n] / std::sqrt(2.0);
      const double from_mean = std::abs(one[curve].mean[n] - two[curve].mean[n]);
      EXPECT_NEAR(from_mean, half, 1e-9 * (1 + half)) << one[curve].name << " at " << n;
      EXPECT_GT(half, 0);
    }
  }
  options.n_prompts = 1;
  options.seed = 1;
  EXPECT_NE(one[1].mean, curves()[1].mean);
}

TEST(Evaluate, AnotherStreamDrawsOtherPrompts) {
  const TaskConfig task{.n_dims = 3};
  const auto model = small_model("mamba", task.n_dims);
  EvaluateOptions options = {.n_points = 4, .n_prompts = 2, .baselines = {"averaging"}};
  const EvalResult plain = evaluate(*model, task, {"standard"}, options).front();
  options.stream = "side evaluation";
  EXPECT_NE(evaluate(*model, task, {"standard"}, options)[0].curves[1].mean, plain.curves[1].mean);
}

TEST(Evaluate, StopsWhenAskedAndLeavesTheModelInItsMode) {
  const TaskConfig task{.n_dims = 3};
  const auto model = small_model("mamba", task.n_dims);
  model->train();
  EvaluateOptions options = {.n_points = 4, .n_prompts = 200};
  double last = 0;
  options.progress = [&](const std::string&, double share) {
    last = share;
    if (share > 0.5) throw std::runtime_error("stop");
  };
  EXPECT_THROW(evaluate(*model, task, {"standard"}, options), std::runtime_error);
  EXPECT_GT(last, 0.5);
  EXPECT_TRUE(model->is_training());
}

// Inputs so large that function values of some prompts overflow float32.
TEST(Evaluate, TellsOfErrorsThatAreNotFinite) {
  TaskConfig task{.n_dims = 3};
  task.inputs.scale = 1e38;
  const auto model = small_model("mamba", task.n_dims);
  const EvaluateOptions options = {.n_points = 4, .n_prompts = 70, .baselines = {"zero"}};
  for (const EvalResult& result : evaluate(*model, task, {"training_distribution"}, options)) {
    EXPECT_FALSE(std::isfinite(result.curves[0].mean[2]));
    const std::string table = table_text(result);
    EXPECT_THAT(table, ::testing::HasSubstr("not finite: the error of model at "));
    EXPECT_THAT(table, ::testing::Not(::testing::HasSubstr("nan")));
    EXPECT_TRUE(result.to_json()["curves"][0]["mean"][2].is_null());
  }
}

// 100 errors, half 0 and half 1: the mean of a resample has standard deviation 0.05, and 90% of the
// means lie within 1.645 of these.
TEST(Evaluate, BootstrapGivesTheNinetyPercentInterval) {
  const at::Tensor errors = at::arange(100, at::kDouble).remainder(2).unsqueeze(1);
  const Curve curve = summarise(errors, 0);
  EXPECT_DOUBLE_EQ(curve.mean[0], 0.5);
  EXPECT_NEAR(curve.std[0], 0.50252, 1e-5);
  EXPECT_NEAR(curve.low[0], 0.5 - 0.0822, 0.0151);
  EXPECT_NEAR(curve.high[0], 0.5 + 0.0822, 0.0151);
  EXPECT_EQ(summarise(errors, 0).low, curve.low);
}

}  // namespace
}  // namespace icl
