// SPDX-License-Identifier: Apache-2.0
//
// Results that were computed, as files.
#include "icl/evaluation/results.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>

#include "icl/base/error.h"
#include "icl/evaluation/evaluate.h"
#include "icl/evaluation/result_store.h"
#include "icl/io/files.h"
#include "tests/support/small_models.h"
#include "tests/support/temp_folder.h"

namespace icl {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::message_of;
using ::testing::Not;
using testing::small_model;
using testing::TempFolder;

Provenance weights(int64_t step = 100) {
  return {.icl_version = "0.1.0",
          .git = "abc",
          .torch = "2.11",
          .device = "cpu",
          .threads = 1,
          .name = "a",
          .path = "runs/a",
          .family = "mamba",
          .parameters = 7,
          .seed = 3,
          .checkpoint_step = step,
          .checkpoint_checksum = str("c", step)};
}

PlannedSetting planned(const EvaluateOptions& options = {.n_prompts = 4}) {
  return plan_evaluation(TaskConfig{.n_dims = 2}, {"standard"}, options).settings.front();
}

EvalResult computed(const PlannedSetting& setting, int64_t step = 100) {
  return evaluate(*small_model("mamba", 2), setting, weights(step));
}

TEST(EvalResult, ComesBackFromItsJson) {
  const EvaluateOptions options = {
      .n_points = 3, .train_points = 2, .train_dims = 1, .n_prompts = 4, .seed = 5};
  PlannedSetting setting = planned(options);
  setting.left_out = {{"xgboost", "not built"}};
  const EvalResult result = computed(setting);
  const EvalResult back = EvalResult::from_json(result.to_json(), "test");
  EXPECT_EQ(back.to_json(), result.to_json());
  EXPECT_EQ(back.curves[1].mean, result.curves[1].mean);
  EXPECT_EQ(back.from.checkpoint_checksum, "c100");
  EXPECT_EQ(back.from.torch, "2.11");
  EXPECT_EQ(back.task["n_dims"], 2);
  EXPECT_EQ(back.train_points, 2);
  EXPECT_EQ(back.left_out[0].reason, "not built");
  EXPECT_EQ(back.settings_key, settings_key(setting, weights()));
  EXPECT_EQ(table_text(back), table_text(result));
  EXPECT_THAT(table_text(back), HasSubstr("training used 1 of the 2 dimensions"));
}

TEST(EvalResult, NumbersThatAreNotFiniteAreNull) {
  EvalResult result = computed(planned());
  const double nan = std::numeric_limits<double>::quiet_NaN();
  result.curves[0].mean[1] = nan;
  result.curves[0].high[1] = std::numeric_limits<double>::infinity();
  result.curves[0].low[1] = nan;
  const nlohmann::ordered_json json = result.to_json();
  EXPECT_TRUE(json["curves"][0]["mean"][1].is_null());
  EXPECT_TRUE(json["curves"][0]["high"][1].is_null());
  const auto parsed = nlohmann::ordered_json::parse(json.dump());
  const EvalResult back = EvalResult::from_json(parsed, "test");
  EXPECT_TRUE(std::isnan(back.curves[0].mean[1]));
  EXPECT_THAT(table_text(back), HasSubstr("not finite"));
  EXPECT_THAT(back.csv(), Not(HasSubstr("nan")));
  EXPECT_EQ(table_text(back), table_text(result));
}

TEST(EvalResult, AnErrorNamesTheKey) {
  const nlohmann::ordered_json good = computed(planned()).to_json();
  const auto message = [&](const char* key, const nlohmann::ordered_json& value) {
    nlohmann::ordered_json bad = good;
    bad[key] = value;
    return message_of([&] { EvalResult::from_json(bad, "'a.json'"); });
  };
  EXPECT_THAT(message("n_points", "3"), HasSubstr("'a.json': n_points: expected an integer"));
  EXPECT_THAT(message("n_points", 2), HasSubstr("curves[0].mean: expected 2 numbers"));
  EXPECT_THAT(message("schema", "icl.probe"), HasSubstr("schema: expected 'icl.eval'"));
  EXPECT_THAT(message("version", 2), HasSubstr("newer icl"));
  EXPECT_THAT(message("curves", nlohmann::ordered_json::array()), HasSubstr("at least one curve"));
}

TEST(ResultStore, NamesSayWhatDiffersFromTheDefault) {
  EXPECT_EQ(result_name(planned({})), "standard");
  EXPECT_EQ(result_name(planned({}), 1000), "standard_step00001000");
  EXPECT_EQ(result_name(planned({.n_points = 200, .n_prompts = 64, .seed = 3})),
            "standard_points200_prompts64_seed3");
}

TEST(ResultStore, FindsAResultByItsKeyAlone) {
  const TempFolder folder;
  const ResultStore store(folder / "eval");
  const EvalResult result = computed(planned());
  EXPECT_FALSE(store.find("standard", result.settings_key).has_value());
  store.write("standard", result);
  EXPECT_EQ(store.find("standard", result.settings_key)->to_json(), result.to_json());
  EXPECT_EQ(EvalResult::read(folder / "eval/standard.json").to_json(), result.to_json());
  EXPECT_FALSE(store.find("standard", "another key").has_value());
  std::ofstream(folder / "eval/standard.json") << "{\"schema\": 3}";
  EXPECT_FALSE(store.find("standard", result.settings_key).has_value());
}

// The newest checkpoint of a run that is still trained: the result of the one before stays.
TEST(ResultStore, KeepsTheResultOfAnotherCheckpoint) {
  const TempFolder folder;
  const ResultStore store(folder.path());
  const EvalResult first = computed(planned(), 100);
  const EvalResult second = computed(planned(), 200);
  store.write("standard", first);
  store.write("standard", second);
  EXPECT_EQ(EvalResult::read(folder / "standard.json").from.checkpoint_step, 200);
  EXPECT_EQ(EvalResult::read(folder / "standard_step00000100.json").to_json(), first.to_json());
  EXPECT_TRUE(fs::exists(folder / "standard_step00000100.csv"));
}

TEST(ResultStore, SaysThatItsFolderCannotBeWritten) {
  const TempFolder folder;
  std::ofstream(folder / "file") << "x";
  EXPECT_THROW(ResultStore(folder / "file").prepare(), DataError);
  EXPECT_NO_THROW(ResultStore(folder / "new").prepare());
}

}  // namespace
}  // namespace icl
