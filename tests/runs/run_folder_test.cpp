// SPDX-License-Identifier: Apache-2.0
#include "icl/runs/run_folder.h"

#include <gmock/gmock.h>

#include "icl/base/error.h"
#include "icl/io/files.h"
#include "icl/runs/run_writer.h"
#include "tests/support/temp_folder.h"

namespace icl {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::message_of;
using testing::TempFolder;

RunConfig config() {
  RunConfig config;
  config.training.steps = 100;
  config.training.keep_last = 2;
  return config;
}

void write(RunWriter& writer, int64_t step, std::optional<BestStep> best = {}) {
  writer.checkpoint({.step = step, .best = best}, "weights of " + std::to_string(step), "moments");
}

TEST(RunFolder, HasACheckpointForEachStepAndALinkToTheNewest) {
  const TempFolder folder;
  RunWriter writer(folder / "run", config(), /*resume=*/false);
  EXPECT_FALSE(writer.folder().holds_run());
  write(writer, 10);
  write(writer, 20);
  const RunFolder run(folder / "run");
  EXPECT_TRUE(run.holds_run());
  EXPECT_THAT(run.checkpoint_steps(), ElementsAre(10, 20));
  EXPECT_EQ(run.linked_step("latest"), 20);
  EXPECT_EQ(run.find_checkpoint().step, 20);
  EXPECT_EQ(read_file(run.find_checkpoint("10").weights()), "weights of 10");
  EXPECT_EQ(TrainingState::read(run.find_checkpoint("10")).step, 10);
}

TEST(RunFolder, KeepsTheBestAndTheNewest) {
  const TempFolder folder;
  RunWriter writer(folder / "run", config(), /*resume=*/false);
  const BestStep best{.step = 10, .error = 0.5};
  for (const int64_t step : {10, 20, 30, 40}) write(writer, step, best);
  const RunFolder run(folder / "run");
  EXPECT_THAT(run.checkpoint_steps(), ElementsAre(10, 30, 40));
  EXPECT_EQ(run.find_checkpoint("best").step, 10);
  // Without links, as some file systems have none, the newest checkpoint knows.
  fs::remove(run.link("best"));
  EXPECT_EQ(run.find_checkpoint("best").step, 10);
}

TEST(RunFolder, ADamagedCheckpointIsPassedOver) {
  const TempFolder folder;
  RunWriter writer(folder / "run", config(), /*resume=*/false);
  write(writer, 10);
  write(writer, 20);
  const RunFolder run(folder / "run");
  write_file_synced(run.checkpoint(20) / "model.safetensors", "weights of 2?");
  EXPECT_EQ(run.find_checkpoint().step, 10);
  EXPECT_THAT(message_of([&] { run.find_checkpoint("20"); }), HasSubstr("model.safetensors"));
}

// JSON of the wrong types is damage like any other.
TEST(RunFolder, AManifestOfOtherTypesIsPassedOver) {
  const TempFolder folder;
  RunWriter writer(folder / "run", config(), /*resume=*/false);
  write(writer, 10);
  write(writer, 20);
  const RunFolder run(folder / "run");
  for (
      const char* text :
      {R"({"schema": 3})", R"({"schema": "icl.manifest", "version": "1", "files": {}})",
       R"({"schema": "icl.manifest", "version": 1, "files": {"a": 7}})",
       R"({"schema": "icl.manifest", "version": 1, "files": {"../a": {"bytes": 1, "xxh3_128": ""}}})",
       R"({"schema": "icl.manifest", "version": 1, "files": {"a": {"bytes": "x"}}})"}) {
    write_file_synced(run.checkpoint(20) / "MANIFEST.json", text);
    EXPECT_EQ(run.find_checkpoint().step, 10) << text;
  }
}

TEST(RunFolder, AStateOfOtherTypesIsNamed) {
  const TempFolder folder;
  fs::create_directories(folder / "checkpoint");
  const Checkpoint checkpoint{.path = folder / "checkpoint"};
  for (const char* text : {"[]", R"({"step": "3"})", R"({"step": 3, "format": "1"})",
                           R"({"step": 3, "format": 1, "best": {"step": "x"}})"}) {
    write_file_synced(checkpoint.state(), text);
    EXPECT_THAT(message_of([&] { TrainingState::read(checkpoint); }), HasSubstr("state.json"))
        << text;
  }
}

TEST(RunWriter, AStartThatFailedBeforeItsFirstCheckpointIsNoRun) {
  const TempFolder folder;
  { const RunWriter failed(folder / "run", config(), /*resume=*/false); }
  RunConfig other = config();
  other.model.d_model = 32;
  for (const bool resume : {false, true}) {
    RunWriter writer(folder / "run", other, resume);
    EXPECT_FALSE(writer.resuming());
    EXPECT_THAT(read_file(writer.folder().config()), HasSubstr("\"d_model\": 32"));
  }
}

TEST(RunWriter, OneProcessWritesARun) {
  const TempFolder folder;
  auto writer = std::make_unique<RunWriter>(folder / "run", config(), /*resume=*/false);
  EXPECT_THAT(message_of([&] { RunWriter(folder / "run", config(), /*resume=*/true); }),
              HasSubstr("another process is training this run"));
  writer.reset();
  EXPECT_NO_THROW(RunWriter(folder / "run", config(), /*resume=*/true));
}

// A config that the folder cannot take leaves no lock behind.
TEST(RunWriter, AFailedStartLeavesNoLock) {
  const TempFolder folder;
  {
    RunWriter writer(folder / "run", config(), /*resume=*/false);
    write(writer, 10);
  }
  RunConfig other = config();
  other.model.d_model = 32;
  EXPECT_THAT(message_of([&] { RunWriter(folder / "run", other, /*resume=*/true); }),
              HasSubstr("model.d_model: 256 -> 32"));
  fs::remove(folder / "run/config.json");
  fs::create_directories(folder / "run/config.json");  // cannot be written
  EXPECT_NE(message_of([&] { RunWriter(folder / "run", config(), /*resume=*/true); }), "");
  fs::remove(folder / "run/config.json");
  write_file_synced(folder / "run/config.json", run_config_text(config()));
  EXPECT_NO_THROW(RunWriter(folder / "run", config(), /*resume=*/true));
}

}  // namespace
}  // namespace icl
