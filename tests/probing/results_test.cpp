// SPDX-License-Identifier: Apache-2.0
//
// Results of probes that were computed, as files.
#include "icl/probing/results.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "icl/base/error.h"
#include "icl/io/files.h"
#include "icl/probing/linear_probe.h"
#include "icl/probing/readout_probe.h"
#include "icl/tasks/rotated_inputs.h"
#include "tests/support/small_models.h"
#include "tests/support/temp_folder.h"

namespace icl {
namespace {

using ::testing::HasSubstr;
using testing::message_of;
using ::testing::Not;
using testing::small_model;
using testing::TempFolder;

TaskConfig skewed_task() {
  TaskConfig task{.n_dims = 3};
  task.inputs.distribution = SkewedInputs{.exponent = 2};
  return task;
}

ProbeResult about(const TaskConfig& task) {
  ProbeResult result{.from = {.name = "a", .family = "mamba", .checkpoint_step = 20}, .seed = 4};
  result.n_layer = 2;
  result.describe_task(task);
  return result;
}

ProbeResult readout() {
  const auto model = small_model("mamba", 3);
  RegressionProbe probe(*model);
  ReadoutOptions options;
  options.counts = {.prompts = 4, .context = 6, .queries = 2};
  options.fit_points = 3;
  options.references = {"gd", "gd++", "newton", "ridge"};
  options.iterations = 3;
  options.resamples = 20;
  ProbeResult result = about(skewed_task());
  result.found = probe_readout(probe, skewed_task(), 0, options);
  return result;
}

ProbeResult linear() {
  const auto model = small_model("mamba", 3);
  RegressionProbe probe(*model);
  ProbeResult result = about(skewed_task());
  result.found = probe_linear(probe, skewed_task(), 0,
                              {.n_points = 6,
                               .n_train = 64,
                               .n_validation = 32,
                               .n_test = 32,
                               .batch = 32,
                               .targets = {"y", "gd_2"},
                               .resamples = 20});
  return result;
}

TEST(ProbeResult, ComesBackFromItsJson) {
  for (const ProbeResult& result : {readout(), linear()}) {
    const ProbeResult back = ProbeResult::from_json(result.to_json(), "test");
    EXPECT_EQ(back.to_json(), result.to_json()) << result.kind();
    EXPECT_EQ(back.csv(), result.csv());
    EXPECT_EQ(std::string(back.kind()), result.kind());
    EXPECT_EQ(back.n_layer, 2);
    EXPECT_EQ(back.seed, 4U);
    EXPECT_EQ(back.from.checkpoint_step, 20);
  }
  EXPECT_EQ(readout().readout()->references[1].error.name, "gd++");
  EXPECT_GT(readout().readout()->references[1].gamma, 0);
}

// The prompts are drawn as in training, whatever the "standard" setting of icl-eval is.
TEST(ProbeResult, NamesTheDistributionThatThePromptsHad) {
  const auto json = readout().to_json();
  EXPECT_EQ(json["setting"], "training_distribution");
  EXPECT_EQ(json["inputs"]["distribution"], "skewed");
  EXPECT_EQ(json["inputs"]["exponent"], 2);
}

TEST(ProbeResult, NumbersThatAreNotFiniteAreNull) {
  ProbeResult result = readout();
  std::get<ReadoutResult>(result.found).curves[0].mean[1] = std::numeric_limits<double>::infinity();
  const auto json = nlohmann::ordered_json::parse(result.to_json().dump());
  EXPECT_TRUE(json["curves"][0]["mean"][1].is_null());
  const ProbeResult back = ProbeResult::from_json(json, "test");
  EXPECT_TRUE(std::isnan(back.readout()->curves[0].mean[1]));
  EXPECT_THAT(result.csv(), Not(HasSubstr("inf")));
}

TEST(ProbeResult, AnErrorNamesTheKey) {
  auto json = readout().to_json();
  json["curves"][1]["low"].erase(0);
  EXPECT_THAT(message_of([&] { ProbeResult::from_json(json, "'a.json'"); }),
              HasSubstr("'a.json': curves[1].low: expected 2 numbers, found 1"));
  json["kind"] = "guess";
  EXPECT_THAT(message_of([&] { ProbeResult::from_json(json, "'a.json'"); }),
              HasSubstr("kind: expected readout or linear, found 'guess'"));
}

TEST(ProbeResult, IsWrittenUnderItsKindStepAndWhatDiffers) {
  const TempFolder folder;
  const ProbeResult result = linear();
  EXPECT_EQ(write_probe(folder / "probe", result), folder / "probe/linear_00000020.json");
  const auto other = write_probe(folder / "probe", result, "_seed4");
  EXPECT_EQ(other, folder / "probe/linear_00000020_seed4.json");
  EXPECT_EQ(ProbeResult::read(other).to_json(), result.to_json());
  EXPECT_EQ(read_file(folder / "probe/linear_00000020_seed4.csv"), result.csv());
}

}  // namespace
}  // namespace icl
