// SPDX-License-Identifier: Apache-2.0
#include "icl/evaluation/evaluate.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "icl/base/random.h"
#include "icl/evaluation/results.h"
#include "icl/models/registry.h"
#include "tests/support/temp_folder.h"

namespace icl {
namespace {

ModelConfig small_model(const std::string& family) {
  ModelConfig config;
  config.family = family;
  config.d_model = 16;
  config.n_layer = 2;
  config.n_head = 2;
  return config;
}

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
  TaskConfig task;
  task.n_dims = 4;
  for (const std::string& family : model_families()) {
    at::manual_seed(3);
    RegressionModel model(small_model(family), task.n_dims);
    model.eval();
    for (const char* name : {"random_quadrants", "overlapping", "opposite_quadrants"}) {
      const Setting setting = expand_suites({name}, task).front();
      const Prompts prompts = sample_prompts(setting, task, {.n_points = 13, .batch_size = 3});
      const at::Tensor fast = predict(model, prompts);
      const at::Tensor slow = predict_one_by_one(model, prompts);
      EXPECT_LT((fast - slow).abs().max().item<float>(), 1e-5) << family << ", " << name;
      EXPECT_GT(slow.abs().max().item<float>(), 1e-2) << family;
    }
  }
}

TEST(Evaluate, ReportsModelAndBaselinesNormalised) {
  TaskConfig task;
  task.n_dims = 4;
  RegressionModel model(small_model("mamba"), task.n_dims);
  const EvaluateOptions options = {.n_points = 8, .train_points = 6, .n_prompts = 3000};
  const SettingResult result = evaluate(model, task, {"standard"}, options).front();
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
}

TEST(Evaluate, PromptsDoNotDependOnHowManyThereAre) {
  TaskConfig task;
  task.n_dims = 3;
  RegressionModel model(small_model("mamba"), task.n_dims);
  EvaluateOptions options = {.n_points = 4, .n_prompts = 1};
  options.baselines = {"averaging"};
  const SettingResult one = evaluate(model, task, {"standard"}, options).front();
  const SettingResult again = evaluate(model, task, {"standard"}, options).front();
  EXPECT_EQ(one.curves[1].mean, again.curves[1].mean);
  options.seed = 1;
  EXPECT_NE(one.curves[1].mean, evaluate(model, task, {"standard"}, options)[0].curves[1].mean);
}

TEST(Evaluate, ChoosesPointsBySetting) {
  const TaskConfig task;
  EvaluateOptions options;
  const auto points = [&](const char* name) {
    return points_of(expand_suites({name}, task).front(), task, options);
  };
  EXPECT_EQ(points("standard"), 41);
  EXPECT_EQ(points("extrapolation"), 200);
  EXPECT_EQ(points("orthogonal"), 20);
  options.train_points = 101;
  EXPECT_EQ(points("standard"), 101);
  options.n_points = 300;
  EXPECT_EQ(points("extrapolation"), 300);
}

// As the published code: by what the model was trained on, in every setting.
TEST(Evaluate, ComparesWithTheBaselinesOfTheTrainingTask) {
  using ::testing::Contains;
  using ::testing::Not;
  TaskConfig task;
  const auto names = [&](const char* setting) {
    return baseline_names({"auto"}, task, expand_suites({setting}, task).front());
  };
  EXPECT_THAT(names("standard"),
              ::testing::ElementsAre("zero", "least_squares", "nearest_3", "averaging"));
  EXPECT_THAT(names("noisy"), Contains("ridge"));  // ours: it is the best there is
  task.function = "relu_2nn_regression";
  EXPECT_THAT(names("transfer"), Contains("gd_network"));
  task.function = "linear_classification";
  EXPECT_THAT(names("standard"), Not(Contains("least_squares")));
}

TEST(Evaluate, AnotherStreamDrawsOtherPrompts) {
  TaskConfig task;
  task.n_dims = 3;
  RegressionModel model(small_model("mamba"), task.n_dims);
  EvaluateOptions options = {.n_points = 4, .n_prompts = 2};
  options.baselines = {"averaging"};
  const SettingResult plain = evaluate(model, task, {"standard"}, options).front();
  options.stream = "side evaluation";
  EXPECT_NE(evaluate(model, task, {"standard"}, options)[0].curves[1].mean, plain.curves[1].mean);
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

TEST(Evaluate, StoredResultsHoldOnlyForTheirKey) {
  const testing::TempFolder folder;
  TaskConfig task;
  task.n_dims = 2;
  RegressionModel model(small_model("mamba"), task.n_dims);
  EvaluateOptions options = {.n_points = 3, .n_prompts = 4};
  const Setting setting = expand_suites({"standard"}, task).front();
  RunFacts run = {.name = "a", .family = "mamba", .checkpoint_checksum = "c1"};
  const std::string key = settings_key(run, setting, task, options);
  write_result(folder.path(), evaluate_setting(model, task, setting, options), run, key);
  const auto file = folder.path() / "standard.json";
  const auto stored = read_result(file, key);
  ASSERT_TRUE(stored.has_value());
  EXPECT_EQ(stored->at("schema"), "icl.eval");
  EXPECT_EQ(stored->at("curves").at(0).at("mean").size(), 3);
  EXPECT_TRUE(stored->at("train_points").is_null());
  options.n_points = 4;
  EXPECT_FALSE(read_result(file, settings_key(run, setting, task, options)).has_value());
  options.n_points = 3;
  run.checkpoint_checksum = "c2";
  EXPECT_FALSE(read_result(file, settings_key(run, setting, task, options)).has_value());
  EXPECT_THAT(table_text(*stored), ::testing::HasSubstr("least_squares"));
}

}  // namespace
}  // namespace icl
