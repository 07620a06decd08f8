// SPDX-License-Identifier: Apache-2.0
#include "icl/report/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <limits>
#include <sstream>

#include "icl/base/error.h"
#include "icl/report/inputs.h"
#include "icl/tasks/decision_tree.h"
#include "icl/tasks/linear_classification.h"
#include "icl/tasks/rotated_inputs.h"
#include "icl/tasks/sparse_linear_regression.h"
#include "src/report/figures.h"
#include "tests/support/sample_runs.h"

namespace icl::report {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::string content_of(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

class Report : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::temp_directory_path() / (std::string("icl_report_") + info->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string page_of(const fs::path& runs) {
    write_report({runs}, folder_ / "page.html");
    return content_of(folder_ / "page.html");
  }
  fs::path folder_;
};

// A result of three points in one dimension.
EvalResult small_result(const test::SampleRun& run, const std::vector<double>& model) {
  EvalResult result = test::sample_evaluation(run);
  result.curves = {test::sample_curve("mamba", true, model),
                   test::sample_curve("zero", false, {2.0, 2.0, 2.0}),
                   test::sample_curve("least_squares", false, {2.0, 0.0, 0.0})};
  return result;
}

TEST_F(Report, SaysWhichPartOfPredictingZeroEachModelReaches) {
  const test::SampleRun run{.n_dims = 1, .train_points = 3, .eval_points = 3};
  test::write_sample_run(folder_ / "a", run);
  test::write_result(folder_ / "a", small_result(run, {2.0, 1.0, 0.05}));
  EXPECT_EQ(write_report({folder_ / "a"}).verdict,
            "Linear regression, 1 dimension: with n = 1 in-context examples, as many as input "
            "dimensions, Mamba has 50.0% of the error of predicting zero (least squares: 0%); with "
            "2, Mamba has 2.5% (least squares: 0%).");
}

TEST_F(Report, IsTheSameBytesTwice) {
  test::write_sample_run(folder_ / "a", {.probes = true});
  const std::string first = page_of(folder_ / "a");
  EXPECT_GT(first.size(), 10000U);
  EXPECT_EQ(first, page_of(folder_ / "a"));
}

TEST_F(Report, TakesSeedsAsOneLineAndHostileNamesAsText) {
  const std::string hostile = "<script>alert('\"&\")";
  for (const int64_t seed : {1, 2, 3}) {
    test::write_sample_run(folder_ / std::to_string(seed), {.name = hostile, .seed = seed});
  }
  const std::string page = page_of(folder_);
  EXPECT_THAT(page, HasSubstr("up to 3 seeds"));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;alert(&#39;&quot;&amp;&quot;)"));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
}

TEST_F(Report, TakesTwoRunsOfOneConfigAndSeedAsOneRun) {
  test::write_sample_run(folder_ / "a", {});
  test::write_sample_run(folder_ / "b", {});
  const ReportInputs inputs = read_inputs({folder_});
  const std::vector<Group> groups = group_runs(inputs.runs);
  ASSERT_EQ(groups.size(), 1U);
  EXPECT_EQ(groups[0].runs.size(), 1U);
  EXPECT_EQ(groups[0].repeats.size(), 1U);
  const std::string page = page_of(folder_);
  EXPECT_THAT(page, Not(HasSubstr(" seeds, bands run")));
  EXPECT_THAT(page, HasSubstr("the same config and seed once more"));
}

TEST_F(Report, TakesSeveralResultsOfOneRunAsOneResult) {
  test::write_sample_run(folder_ / "a", {});
  EvalResult early = test::sample_evaluation({.eval_points = 100});
  early.from.checkpoint_step = 1000;
  test::write_result(folder_ / "a", early, "standard_step00001000_points100");
  test::write_result(folder_ / "a", test::sample_evaluation({.eval_points = 60}),
                     "standard_points60");
  const ReportInputs inputs = read_inputs({folder_ / "a"});
  const std::vector<Group> groups = group_runs(inputs.runs);
  const SettingCurves curves = curves_of(groups, inputs.runs[0].task.key, "standard");
  ASSERT_EQ(curves.models.size(), 1U);
  EXPECT_EQ(curves.models[0].seeds, 1U);
  EXPECT_EQ(curves.models[0].curve.mean.size(), 60U);
}

TEST_F(Report, NotesDamagedFilesAndShowsTheRest) {
  test::write_sample_run(folder_ / "a", {});
  test::write_text(folder_ / "a/eval/skewed.json", "{\"schema\": \"icl.ev");
  test::write_text(folder_ / "a/eval/noisy.json",
                   R"({"schema": "icl.eval", "version": 1, "task": 3})");
  std::ofstream(folder_ / "a/metrics.jsonl", std::ios::app) << "{\"step\": 4000, \"lo";
  const ReportOutcome outcome =
      write_report({folder_ / "a", folder_ / "missing"}, folder_ / "page.html");
  ASSERT_EQ(outcome.notes.size(), 3U);
  EXPECT_THAT(outcome.notes[0], HasSubstr("noisy.json': task"));
  EXPECT_THAT(outcome.notes[1], HasSubstr("skewed.json"));
  EXPECT_THAT(outcome.notes[1], HasSubstr("not valid JSON"));
  EXPECT_THAT(outcome.notes[2], HasSubstr("missing': no such file or folder"));
}

TEST_F(Report, RefusesAnEmptyFolderSayingWhatItExpects) {
  try {
    write_report({folder_}, folder_ / "page.html");
    FAIL();
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("expected a run folder (config.json"));
  }
}

TEST_F(Report, ShowsARunOfAFamilyThatThisProgramLacks) {
  test::write_sample_run(folder_ / "a", {});
  std::string config = content_of(folder_ / "a/config.json");
  const std::string family = "\"family\": \"mamba\"";
  ASSERT_NE(config.find(family), std::string::npos);
  config.replace(config.find(family), family.size(), "\"family\": \"unheard_of\"");
  test::write_text(folder_ / "a/config.json", config);
  const ReportInputs inputs = read_inputs({folder_ / "a"});
  ASSERT_EQ(inputs.runs.size(), 1U);
  EXPECT_FALSE(inputs.runs[0].config.has_value());
  EXPECT_EQ(inputs.runs[0].evaluations.size(), 1U);
  EXPECT_EQ(inputs.runs[0].task.label, "linear regression, 20 dimensions");
  ASSERT_EQ(inputs.notes.size(), 1U);
  EXPECT_THAT(inputs.notes[0], HasSubstr("unheard_of"));
}

TEST_F(Report, ShowsTrainingBatchesWhereNothingIsEvaluated) {
  const test::SampleRun run{.n_dims = 2, .train_points = 2};
  test::write_sample_run(folder_ / "a", run);
  fs::remove_all(folder_ / "a/eval");
  const StepReport step{.loss = 1,
                        .relative_loss = 0.5,
                        .errors = {2.0, 1.0},
                        .zero_error = 2,
                        .n_points = 2,
                        .n_dims = 2};
  test::write_text(folder_ / "a/metrics.jsonl", to_json(step).dump() + "\n");
  const ReportInputs inputs = read_inputs({folder_ / "a"});
  ASSERT_EQ(inputs.runs.at(0).evaluations.size(), 1U);
  const ReportedEvaluation& batches = inputs.runs[0].evaluations[0];
  EXPECT_TRUE(batches.of_training);
  ASSERT_EQ(batches.result.curves.size(), 3U);
  EXPECT_THAT(batches.result.curves[0].mean, ElementsAre(1.0, 0.5));
  EXPECT_THAT(batches.result.curves[2].mean, ElementsAre(1.0, 0.5));  // 1 - n / D
  EXPECT_THAT(write_report({folder_ / "a"}).verdict, HasSubstr("there is no evaluation yet"));
}

TEST_F(Report, KnowsLeastSquaresOfTrainingBatchesOnlyOfLinearTasksWithStandardInputs) {
  const auto curves_of_batches = [&](RunConfig config) {
    const fs::path run = folder_ / "run";
    test::write_sample_run(run, {});
    fs::remove_all(RunFolder(run).evaluations());
    test::write_text(RunFolder(run).config(), run_config_text(config));
    return read_inputs({run}).runs.at(0).evaluations.at(0).result.curves.size();
  };
  RunConfig config = test::sample_config({});
  EXPECT_EQ(curves_of_batches(config), 3U);
  config.task.function = SparseLinearRegression{};
  EXPECT_EQ(curves_of_batches(config), 3U);
  config.task.inputs.scale = 2;
  EXPECT_EQ(curves_of_batches(config), 2U);
  config = test::sample_config({});
  config.task.inputs.distribution = SkewedInputs{};
  EXPECT_EQ(curves_of_batches(config), 2U);
  config = test::sample_config({});
  config.task.function = DecisionTree{};
  EXPECT_EQ(curves_of_batches(config), 2U);
}

TEST_F(Report, TrainingBatchesShareNoPanelWithEvaluations) {
  test::write_sample_run(folder_ / "a", {});
  test::write_sample_run(folder_ / "b", {.family = "gpt2", .seed = 1});
  fs::remove_all(folder_ / "b/eval");
  test::write_sample_run(folder_ / "c", {.family = "gpt2", .seed = 2});
  const ReportOutcome outcome = write_report({folder_}, folder_ / "page.html");
  EXPECT_THAT(outcome.verdict, Not(HasSubstr("there is no evaluation yet")));
  const std::string page = content_of(folder_ / "page.html");
  EXPECT_THAT(page, HasSubstr("<h3>Linear regression, 20 dimensions</h3>"));
  EXPECT_THAT(page, HasSubstr("<h3>Linear regression, 20 dimensions, training batches</h3>"));
  // One of two seeds in either.
  EXPECT_THAT(page, Not(HasSubstr("seeds, bands run")));
}

TEST_F(Report, TellsTrainingDistributionsApart) {
  test::write_sample_run(folder_ / "a", {});
  const auto label = [&](const InputConfig& inputs) {
    RunConfig config = test::sample_config({});
    config.task.inputs = inputs;
    EvalResult result = test::sample_evaluation({}, "training_distribution");
    result.task = run_config_json(config).at("task");
    test::write_text(folder_ / "result.json", result.to_json().dump());
    return read_inputs({folder_ / "result.json"}).runs.at(0).evaluations.at(0).setting;
  };
  EXPECT_EQ(label({}), "training_distribution: gaussian");
  EXPECT_EQ(label({.distribution = SkewedInputs{.exponent = 2}, .scale = 3}),
            "training_distribution: skewed (exponent 2, rotation per batch), times 3");
}

TEST_F(Report, KeepsASettingOfOtherFunctionsWithTheTrainedTask) {
  test::write_sample_run(folder_ / "a", {});
  EvalResult noisy = test::sample_evaluation({}, "noisy");
  noisy.task["function"] = "noisy_linear_regression";
  test::write_result(folder_ / "a", noisy);
  const ReportInputs inputs = read_inputs({folder_ / "a"});
  ASSERT_EQ(inputs.runs[0].evaluations.size(), 2U);
  EXPECT_EQ(inputs.runs[0].evaluations[0].task.key, inputs.runs[0].evaluations[1].task.key);
}

TEST_F(Report, NamesTheErrorOfAClassification) {
  const test::SampleRun run{.function = LinearClassification{}};
  test::write_sample_run(folder_ / "a", run);
  EvalResult result = test::sample_evaluation(run);
  result.metric = "share of wrong signs";
  result.normaliser = {"1", 1};
  test::write_result(folder_ / "a", result);
  const std::string page = page_of(folder_ / "a");
  EXPECT_THAT(page, HasSubstr("Share of wrong signs at a fresh query"));
  EXPECT_THAT(page, Not(HasSubstr("squared error")));
}

TEST_F(Report, SaysWhatTheCheckpointHasSeen) {
  test::write_sample_run(folder_ / "a", {});
  EvalResult early = test::sample_evaluation({.eval_points = 41});
  early.train_points = 11;
  early.train_dims = 5;
  test::write_result(folder_ / "a", early);
  const std::string page = page_of(folder_ / "a");
  EXPECT_THAT(page, HasSubstr("Mamba saw prompts of at most 11 points in 5 of 20 dimensions"));
  EXPECT_THAT(page, HasSubstr("tinted: more than 10 examples"));
}

TEST_F(Report, DrawsNumbersOfEverySize) {
  const test::SampleRun run{.n_dims = 1, .train_points = 3, .eval_points = 3};
  test::write_sample_run(folder_ / "a", run);
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<std::vector<double>> curves = {
      {1e308, 1, 1e-308}, {5e-324, 5e-324, 5e-324}, {1.7e308, 1.7e308, 1.7e308},
      {kNan, kNan, kNan}, {1, kNan, 1e300},         {0, 0, 0}};
  for (const std::vector<double>& curve : curves) {
    EvalResult result = small_result(run, curve);
    test::write_result(folder_ / "a", result);
    EXPECT_NO_THROW(page_of(folder_ / "a"));
    result.curves.resize(1);
    test::write_result(folder_ / "a", result);
    EXPECT_NO_THROW(page_of(folder_ / "a"));
    test::write_text(folder_ / "probes/wide.json",
                     test::sample_readout(run, curve).to_json().dump());
    EXPECT_NO_THROW(page_of(folder_ / "probes"));
  }
}

TEST_F(Report, KeepsTheFiguresOfEachPageApart) {
  test::write_sample_run(folder_ / "a", {});
  write_report({folder_ / "a"}, folder_ / "one.html");
  write_report({folder_ / "a"}, folder_ / "two 2.html");
  EXPECT_TRUE(fs::exists(folder_ / "one_figures/summary.csv"));
  EXPECT_TRUE(fs::exists(folder_ / "two 2_figures/summary.csv"));
  EXPECT_THAT(content_of(folder_ / "two 2.html"),
              HasSubstr("href=\"two%202_figures/summary.csv\""));
}

// Two classes of functions and two families, one of them with two seeds.
TEST_F(Report, SumsUpTasksAndModelsInOneTable) {
  test::write_sample_run(folder_ / "a", {.skill = 4});
  test::write_sample_run(folder_ / "b", {.seed = 2, .skill = 4});
  test::write_sample_run(folder_ / "c", {.family = "gpt2"});
  test::write_sample_run(folder_ / "d", {.function = SparseLinearRegression{}, .skill = 4});
  test::write_sample_run(folder_ / "e", {.family = "gpt2", .function = SparseLinearRegression{}});
  const ReportInputs inputs = read_inputs({folder_});
  const std::vector<Group> groups = group_runs(inputs.runs);
  const Summary summary = summary_of(groups);
  EXPECT_THAT(summary.models, ElementsAre("Mamba", "GPT-2"));
  ASSERT_EQ(summary.rows.size(), 4U);
  EXPECT_EQ(summary.rows[0].task, "Linear regression, 20 dimensions");
  EXPECT_EQ(summary.rows[0].n, 20);
  EXPECT_EQ(summary.rows[1].n, 40);
  EXPECT_EQ(summary.rows[1].meaning, "n = 2D");
  EXPECT_EQ(summary.rows[1].cells.at(0).seeds, 2U);
  for (const SummaryRow& row : summary.rows) {
    EXPECT_TRUE(row.cells[0].best);
    EXPECT_FALSE(row.cells[1].best);
    EXPECT_LE(row.cells[1].low, row.cells[1].mean);
    EXPECT_THAT(row.baseline, HasSubstr("Least squares"));
  }
  EXPECT_EQ(groups[0].style.hue, groups[2].style.hue);  // Mamba on either task
  EXPECT_THAT(page_of(folder_), HasSubstr("<h2>Summary</h2>"));
}

TEST_F(Report, FoldsTheSmallProbeCharts) {
  test::write_sample_run(folder_ / "a", {.probes = true});
  const std::string page = page_of(folder_ / "a");
  EXPECT_THAT(page, HasSubstr("<summary>Linear probes by depth (6 charts)</summary>"));
  EXPECT_THAT(page, HasSubstr("<h3>Read-out after every layer</h3>"));
}

}  // namespace
}  // namespace icl::report
