// SPDX-License-Identifier: Apache-2.0
#include "icl/runs/run_record.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "icl/base/error.h"
#include "icl/runs/run_metrics.h"

namespace icl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Json = nlohmann::ordered_json;

TEST(RunRecord, ReadsWhatItWrites) {
  const RunRecord record{.from = {.git = "abc",
                                  .device = "cpu",
                                  .threads = 2,
                                  .name = "a",
                                  .family = "s4",
                                  .parameters = 7},
                         .starts = {{"t0", 0, "here"}, {"t2", 10, "there"}},
                         .stops = {{"t1", 10, "stopped by signal 15"}}};
  const Json json = record.to_json();
  const RunRecord again = RunRecord::from_json(json, "run.json");
  EXPECT_EQ(again.to_json(), json);
  EXPECT_EQ(again.from.parameters, 7);
  EXPECT_EQ(again.steps_done(), 10);
}

TEST(RunRecord, SaysHowARunIs) {
  RunRecord record;
  EXPECT_EQ(record.state(100), "unknown");
  record.starts = {{"t0", 0, "here"}};
  EXPECT_EQ(record.state(100), "in progress");
  record.stops = {{"t1", 100, "finished"}};
  EXPECT_EQ(record.state(100), "finished");
  record.starts.push_back({"t2", 100, "here"});  // found nothing left to do
  EXPECT_EQ(record.state(100), "finished");
  EXPECT_EQ(record.state(200), "in progress");
}

TEST(RunRecord, NamesWhatIsDamaged) {
  const Json json =
      Json::parse(R"({"schema": "icl.run", "version": 1, "stops": [{"step": "ten"}]})");
  try {
    RunRecord::from_json(json, "'run.json'");
    FAIL();
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("stops[0].step: expected an integer"));
  }
  EXPECT_THROW(RunRecord::from_json(Json::array(), "'run.json'"), DataError);
}

TEST(RunMetrics, ReadsStepsAndEvaluations) {
  const StepReport first{.step = 0,
                         .loss = 2,
                         .relative_loss = 1,
                         .errors = {2, 2},
                         .zero_error = 2,
                         .grad_norm = 0.5,
                         .n_points = 2,
                         .n_dims = 1,
                         .seconds = 3};
  StepReport resumed = first;
  resumed.step = 10;
  resumed.seconds = 1;
  resumed.grad_norm = std::numeric_limits<double>::quiet_NaN();
  const SideReport side{.step = 10, .errors = {{"standard", {1.0, 0.5}}}};
  const RunMetrics metrics = RunMetrics::of_text(
      to_json(first).dump() + "\n" + to_json(resumed).dump() + "\n" + to_json(side).dump() + "\n");
  ASSERT_EQ(metrics.steps.size(), 2U);
  EXPECT_EQ(to_json(metrics.steps[0]), to_json(first));
  EXPECT_TRUE(std::isnan(metrics.steps[1].grad_norm));
  ASSERT_EQ(metrics.evaluations.size(), 1U);
  EXPECT_EQ(metrics.evaluations[0].errors[0].first, "standard");
  EXPECT_THAT(metrics.evaluations[0].errors[0].second, ElementsAre(1.0, 0.5));
  EXPECT_EQ(metrics.steps_done(), 11);
  EXPECT_EQ(metrics.seconds(), 4);  // the clock of the second start begins anew
  EXPECT_EQ(metrics.damaged_lines, 0);
}

TEST(RunMetrics, CountsDamagedLinesButNotACutLastOne) {
  const std::string good = to_json(StepReport{.step = 3}).dump() + "\n";
  const RunMetrics metrics = RunMetrics::of_text(good + "{\"step\": \"x\"}\n[1]\n{\"loss\": 1}\n" +
                                                 good + "{\"step\": 4, \"lo");
  EXPECT_EQ(metrics.steps.size(), 2U);
  EXPECT_EQ(metrics.damaged_lines, 3);
}

TEST(RunMetrics, FindsTheErrorOfPredictingZeroInOlderFiles) {
  const RunMetrics metrics =
      RunMetrics::of_text(R"({"step": 0, "loss": 1.0, "relative_loss": 0.5})");
  ASSERT_EQ(metrics.steps.size(), 1U);
  EXPECT_EQ(metrics.steps[0].zero_error, 2);
}

}  // namespace
}  // namespace icl
