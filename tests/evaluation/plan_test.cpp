// SPDX-License-Identifier: Apache-2.0
#include "icl/evaluation/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "icl/base/error.h"
#include "icl/models/gpt2.h"
#include "icl/tasks/linear_classification.h"
#include "icl/tasks/noisy_linear_regression.h"
#include "icl/tasks/relu_2nn_regression.h"
#include "tests/support/temp_folder.h"

namespace icl {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::message_of;
using ::testing::Not;

PlannedSetting planned(const std::string& name, const EvaluateOptions& options = {},
                       const TaskConfig& task = {}) {
  return plan_evaluation(task, {name}, options).settings.front();
}

std::vector<std::string> baselines_in(const PlannedSetting& planned) {
  std::vector<std::string> names;
  for (const Baseline& baseline : planned.baselines) names.push_back(baseline.name);
  return names;
}

TEST(Plan, ChoosesPointsBySetting) {
  EvaluateOptions options;
  const auto points = [&](const char* name) { return planned(name, options).n_points; };
  EXPECT_EQ(points("standard"), 41);
  EXPECT_EQ(points("extrapolation"), 200);
  EXPECT_EQ(points("orthogonal"), 20);
  options.train_points = 101;
  EXPECT_EQ(points("standard"), 101);
  options.default_points = 71;  // of the config; the weights have not seen as many, or more
  EXPECT_EQ(points("standard"), 71);
  options.n_points = 300;
  EXPECT_EQ(points("extrapolation"), 300);
}

// As the published code: by what the model was trained on, in every setting.
TEST(Plan, ComparesWithTheBaselinesOfTheTrainingTask) {
  EXPECT_THAT(baselines_in(planned("standard")),
              ElementsAre("zero", "least_squares", "nearest_3", "averaging"));
  EXPECT_THAT(baselines_in(planned("noisy")), Contains("ridge"));  // ours: nothing is better
  EXPECT_THAT(baselines_in(planned("transfer", {}, {.function = Relu2nnRegression{}})),
              Contains("gd_network"));
  EXPECT_THAT(baselines_in(planned("standard", {}, {.function = LinearClassification{}})),
              Not(Contains("least_squares")));
  EXPECT_THAT(baselines_in(planned("standard", {.baselines = {"none"}})), ElementsAre());
  EXPECT_THAT(baselines_in(planned("standard", {.baselines = {"zero", "auto", "tree"}})),
              ElementsAre("zero", "least_squares", "nearest_3", "averaging", "tree"));
}

TEST(Plan, TakesTheRidgePenaltyFromTheTaskOfTheSetting) {
  const TaskConfig task{.function = NoisyLinearRegression{.scale = 2, .noise_std = 3}};
  EXPECT_DOUBLE_EQ(planned("standard", {}, task).ridge_penalty, 9. / 4);
  EXPECT_DOUBLE_EQ(planned("noisy", {}, task).ridge_penalty, 1. / 4);
  EXPECT_DOUBLE_EQ(planned("standard").ridge_penalty, 1);
}

TEST(Plan, NamesEveryProblem) {
  const std::string message = message_of([] {
    plan_evaluation({}, {"standart", "transfer", "standard"}, {});
  });
  EXPECT_THAT(message, HasSubstr("unknown suite 'standart'; did you mean 'standard'?"));
  EXPECT_THAT(message, HasSubstr("'transfer'"));
  EXPECT_THAT(message, HasSubstr("does not apply to a model of linear_regression"));
}

TEST(Plan, ASuiteSkipsWhatTheModelCannotDoAndANameRefusesIt) {
  const EvaluateOptions options = {.default_points = 5,
                                   .limit = SequenceLimit{.tokens = 10, .key = "n_positions"}};
  const EvaluationPlan plan = plan_evaluation({}, {"all"}, options);
  ASSERT_EQ(plan.skipped.size(), 1U);
  EXPECT_EQ(plan.skipped[0].name, "extrapolation");
  EXPECT_THAT(plan.skipped[0].reason, HasSubstr("at most 10 (model.n_positions)"));
  EXPECT_EQ(plan.settings.front().setting.name, "standard");
  EXPECT_THROW(plan_evaluation({}, {"extrapolation"}, options), UsageError);
}

TEST(Plan, KeysTellApartEverythingThatAResultDependsOn) {
  const Provenance weights = {.icl_version = "1", .checkpoint_checksum = "c1"};
  const std::string key = settings_key(planned("standard"), weights);
  EXPECT_EQ(settings_key(planned("standard"), weights), key);
  std::vector<EvaluateOptions> others(6);
  others[0].n_points = 40;
  others[1].n_prompts = 4;
  others[2].seed = 1;
  others[3].baselines = {"none"};
  others[4].train_points = 11;
  others[5].train_seed = 9;
  for (size_t i = 0; i < others.size(); ++i) {
    EXPECT_NE(settings_key(planned("standard", others[i]), weights), key) << i;
  }
  EXPECT_NE(settings_key(planned("skewed"), weights), key);
  for (const Provenance& other : {Provenance{.icl_version = "1", .checkpoint_checksum = "c2"},
                                  Provenance{.icl_version = "2", .checkpoint_checksum = "c1"}}) {
    EXPECT_NE(settings_key(planned("standard"), other), key);
  }
}

// The numbers of a library are its version's.
TEST(Plan, KeysHoldTheVersionsOfTheLibrariesOfTheirBaselines) {
  PlannedSetting setting = planned("standard");
  setting.baselines = {{.name = "x", .library = "libx", .library_version = "1.7.4"}};
  const std::string key = settings_key(setting, {});
  setting.baselines[0].library_version = "2.0.3";
  EXPECT_NE(settings_key(setting, {}), key);
}

// The curriculum of the defaults reaches 41 points at step 30000.
TEST(Plan, SaysWhatTheWeightsHaveSeen) {
  RunConfig config;
  config.training.steps = 30;
  EvaluateOptions options = evaluate_options_of(config);
  EXPECT_EQ(options.train_points, 11);
  EXPECT_EQ(options.train_dims, 5);
  EXPECT_EQ(options.default_points, 41);
  config.training.steps = 500'001;
  options = evaluate_options_of(config);
  EXPECT_EQ(options.train_points, 41);
  EXPECT_EQ(options.train_dims, 20);
}

std::vector<std::string> problems_of(const RunConfig& config) {
  std::vector<Problem> list;
  Problems problems(list);
  check_evaluation(config, problems);
  std::vector<std::string> lines;
  for (const Problem& problem : list) lines.push_back(problem.path + ": " + problem.text);
  return lines;
}

TEST(CheckEvaluation, FindsEveryProblemOfTheConfig) {
  RunConfig config;
  EXPECT_THAT(problems_of(config), ElementsAre());
  config.evaluation.suites = {"standart", "transfer"};
  EXPECT_THAT(problems_of(config),
              ElementsAre(HasSubstr("evaluation.suites: unknown suite 'standart'"),
                          HasSubstr("evaluation.suites: suite 'transfer'")));
  config.evaluation.suites = {};
  EXPECT_THAT(problems_of(config), ElementsAre());
  config.evaluation.every = 10;
  EXPECT_THAT(problems_of(config), ElementsAre(HasSubstr("evaluation.suites: empty")));
}

// Learned positions for 10 tokens, and a suite of 200 points.
TEST(CheckEvaluation, RefusesASettingThatTheModelCannotDo) {
  RunConfig config;
  config.model.family = Gpt2Family{.positions = "learned", .n_positions = 10};
  config.training.curriculum.points = {.start = 5, .end = 5};
  config.evaluation.every = 10;
  config.evaluation.suites = {"standard", "extrapolation"};
  EXPECT_THAT(problems_of(config), ElementsAre(HasSubstr("200 points are 400 tokens")));
  config.evaluation.suites = {"all"};
  EXPECT_THAT(problems_of(config), ElementsAre());
}

TEST(CheckEvaluation, LeavesTokensAlone) {
  RunConfig config;
  config.objective = "tokens";
  config.evaluation.suites = {"nothing"};
  EXPECT_THAT(problems_of(config), ElementsAre());
}

}  // namespace
}  // namespace icl
