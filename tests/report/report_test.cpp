// SPDX-License-Identifier: Apache-2.0
#include "icl/report/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "icl/base/error.h"
#include "icl/report/run_record.h"
#include "src/report/result_files.h"
#include "tests/support/sample_runs.h"

namespace icl::report {
namespace {

namespace fs = std::filesystem;
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
  fs::path folder_;
};

TEST_F(Report, SaysWhichPartOfPredictingZeroEachModelReaches) {
  test::write_sample_run(folder_ / "a", {.eval_points = 3});
  auto json = test::sample_evaluation({.n_dims = 1}, "standard", 1, 0);
  json["train_points"] = 3;
  json["curves"] = {test::sample_curve("mamba", "model", {2.0, 1.0, 0.05}),
                    test::sample_curve("zero", "baseline", {2.0, 2.0, 2.0}),
                    test::sample_curve("least_squares", "baseline", {2.0, 0.0, 0.0})};
  test::write_text(folder_ / "a/eval/standard.json", json.dump());
  EXPECT_EQ(write_report({folder_ / "a"}).verdict,
            "Linear regression, 1 dimensions: with n = 1 in-context examples, as many as input "
            "dimensions, Mamba has 50.0% of the error of predicting zero (least squares: 0%); with "
            "2, Mamba has 2.5% (least squares: 0%).");
}

TEST_F(Report, IsTheSameBytesTwice) {
  test::write_sample_run(folder_ / "a", {.probes = true});
  write_report({folder_ / "a"}, folder_ / "one.html");
  write_report({folder_ / "a"}, folder_ / "two.html");
  EXPECT_GT(fs::file_size(folder_ / "one.html"), 10000U);
  EXPECT_EQ(content_of(folder_ / "one.html"), content_of(folder_ / "two.html"));
}

TEST_F(Report, TakesSeedsAsOneLineAndHostileNamesAsText) {
  const std::string hostile = "<script>alert('\"&\")</script>";
  for (const int64_t seed : {1, 2, 3}) {
    test::write_sample_run(folder_ / std::to_string(seed), {.name = hostile, .seed = seed});
  }
  write_report({folder_}, folder_ / "page.html");
  const std::string page = content_of(folder_ / "page.html");
  EXPECT_THAT(page, HasSubstr("up to 3 seeds"));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;alert(&#39;&quot;&amp;&quot;)&lt;/script&gt;"));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
}

TEST_F(Report, NotesDamagedFilesAndShowsTheRest) {
  test::write_sample_run(folder_ / "a", {});
  test::write_text(folder_ / "a/eval/skewed.json", "{\"schema\": \"icl.ev");
  std::ofstream(folder_ / "a/metrics.jsonl", std::ios::app) << "{\"step\": 4000, \"lo";
  const ReportOutcome outcome =
      write_report({folder_ / "a", folder_ / "missing"}, folder_ / "page.html");
  ASSERT_EQ(outcome.notes.size(), 2U);
  EXPECT_THAT(outcome.notes[0], HasSubstr("skewed.json': damaged"));
  EXPECT_THAT(outcome.notes[1], HasSubstr("missing': no such file or folder"));
}

TEST_F(Report, RefusesAnEmptyFolderSayingWhatItExpects) {
  try {
    write_report({folder_}, folder_ / "page.html");
    FAIL();
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("expected a run folder (config.json"));
  }
}

TEST_F(Report, ShowsTrainingBatchesWhereNothingIsEvaluated) {
  test::write_sample_run(folder_ / "a", {});
  fs::remove_all(folder_ / "a/eval");
  // loss / relative_loss = 2: predicting zero costs 2 at every point.
  test::write_text(folder_ / "a/metrics.jsonl",
                   R"({"step":0,"loss":1.0,"relative_loss":0.5,"errors":[2.0,1.0],"n_dims":2})"
                   "\n");
  const ReportInputs inputs = read_inputs({folder_ / "a"});
  ASSERT_EQ(inputs.runs.at(0).evaluations.size(), 1U);
  EXPECT_EQ(inputs.runs[0].evaluations[0].curves[0].mean, (std::vector<double>{1.0, 0.5}));
  // 1 - n / D
  EXPECT_EQ(inputs.runs[0].evaluations[0].curves[2].mean, (std::vector<double>{1.0, 0.5}));
  EXPECT_THAT(write_report({folder_ / "a"}).verdict, HasSubstr("there is no evaluation yet"));
  // Where it is written, the error of predicting zero need not follow from the losses.
  test::write_text(folder_ / "a/metrics.jsonl",
                   R"({"step":0,"loss":0.3,"relative_loss":0.5,"errors":[0.5,0.25],)"
                   R"("zero_error":0.5,"n_dims":2})"
                   "\n");
  EXPECT_EQ(read_inputs({folder_ / "a"}).runs.at(0).evaluations.at(0).curves[0].mean,
            (std::vector<double>{1.0, 0.5}));
}

TEST_F(Report, TrainingBatchesShareNoPanelWithEvaluations) {
  test::write_sample_run(folder_ / "a", {});
  test::write_sample_run(folder_ / "b", {.family = "gpt2", .seed = 1});
  fs::remove_all(folder_ / "b/eval");
  test::write_sample_run(folder_ / "c", {.family = "gpt2", .seed = 2});
  const ReportOutcome outcome = write_report({folder_}, folder_ / "page.html");
  EXPECT_THAT(outcome.verdict, Not(HasSubstr("there is no evaluation yet")));
  const std::string page = content_of(folder_ / "page.html");
  EXPECT_THAT(page, HasSubstr("Error in context: linear regression, 20 dimensions<"));
  EXPECT_THAT(page, HasSubstr("Error in context: linear regression, 20 dimensions, training"));
  // One of two seeds in either.
  EXPECT_THAT(page, Not(HasSubstr("seeds, bands run")));
}

TEST_F(Report, TellsTrainingDistributionsApart) {
  auto json = test::sample_evaluation({}, "training_distribution", 1, 0);
  EXPECT_EQ(read_evaluation(json).setting, "training_distribution: gaussian");
  json["task"]["inputs"] = {{"distribution", "skewed"}, {"exponent", 2}};
  EXPECT_EQ(read_evaluation(json).setting, "training_distribution: skewed (exponent 2)");
}

TEST_F(Report, NamesTheErrorOfAClassification) {
  test::write_sample_run(folder_ / "a", {});
  auto json = test::sample_evaluation({}, "standard", 1, 0);
  json["task"]["function"] = "linear_classification";
  json["metric"] = "share of wrong signs";
  json["normaliser"] = {{"name", "1"}, {"value", 1}};
  test::write_text(folder_ / "a/eval/standard.json", json.dump());
  write_report({folder_ / "a"}, folder_ / "page.html");
  const std::string page = content_of(folder_ / "page.html");
  EXPECT_THAT(page, HasSubstr("Share of wrong signs at a fresh query"));
  EXPECT_THAT(page, Not(HasSubstr("squared error")));
}

}  // namespace
}  // namespace icl::report
