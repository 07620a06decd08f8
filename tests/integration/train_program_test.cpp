// SPDX-License-Identifier: Apache-2.0
//
// icl-train as a person meets it: flags, exit codes, signals, resuming. The program is in
// ICL_BIN_DIR.
#include <gmock/gmock.h>

#include <chrono>
#include <thread>

#include "tests/support/program.h"
#include "tests/support/tiny_config.h"

namespace icl {
namespace {

using ::testing::HasSubstr;
using testing::ProgramResult;
using testing::run_program;
using testing::TempFolder;
using testing::text_of;
using testing::tiny_config;

TEST(TrainProgram, TellsItsVersionKeysAndEffectiveConfig) {
  EXPECT_THAT(run_program("icl-train", {"--version"}).out, HasSubstr("LibTorch 2.11"));
  EXPECT_THAT(run_program("icl-train", {"--help"}).out, HasSubstr("Examples:"));
  EXPECT_THAT(run_program("icl-train", {"--describe"}).out, HasSubstr("training.optimizer.lr"));
  const TempFolder folder;
  const ProgramResult printed = run_program("icl-train", {"--config", tiny_config(folder), "--set",
                                                          "training.steps=7", "--print-config"});
  EXPECT_EQ(printed.exit_code, 0);
  EXPECT_THAT(printed.out, HasSubstr("\"steps\": 7"));
}

TEST(TrainProgram, WrongUsageAndConfigsExitWithTwo) {
  const TempFolder folder;
  const std::string config = tiny_config(folder);
  ProgramResult result = run_program("icl-train", {"--confg", config});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("did you mean '--config'?"));
  result = run_program("icl-train", {});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("--config FILE is required"));
  result = run_program(
      "icl-train", {"--config", config, "--set", "model.n_layers=2", "--set", "training.steps=0"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("2 problems"));
  EXPECT_THAT(result.err, HasSubstr("did you mean 'n_layer'?"));
  result = run_program("icl-train", {"--config", (folder / "none.json").string()});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("none.json"));
}

TEST(TrainProgram, DryRunPrintsWhatToExpectAndWritesNothing) {
  const TempFolder folder;
  const std::string out = (folder / "run").string();
  const ProgramResult result =
      run_program("icl-train", {"--config", tiny_config(folder), "--out", out, "--dry-run"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, HasSubstr("parameters"));
  EXPECT_THAT(result.out, HasSubstr("for 30 steps"));
  EXPECT_FALSE(std::filesystem::exists(out));
}

TEST(TrainProgram, StoppedBySigtermItSavesAndResumesToTheSameBytes) {
  const TempFolder folder;
  const std::string config = tiny_config(folder);
  const std::vector<std::string> more = {"--set", "training.steps=3000", "--set",
                                         "training.checkpoint_every=500"};
  const auto arguments = [&](const std::string& name) {
    std::vector<std::string> list = {"--config", config, "--out", (folder / name).string()};
    list.insert(list.end(), more.begin(), more.end());
    return list;
  };
  EXPECT_EQ(run_program("icl-train", arguments("whole")).exit_code, 0);
  const ProgramResult stopped = run_program("icl-train", arguments("stopped"), [&](pid_t child) {
    while (!std::filesystem::exists(folder / "stopped/metrics.jsonl")) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    ::kill(child, SIGTERM);
  });
  EXPECT_EQ(stopped.exit_code, 128 + SIGTERM);
  EXPECT_THAT(stopped.err, HasSubstr("--resume"));
  EXPECT_THAT(text_of(folder / "stopped/run.json"), HasSubstr("stopped by signal 15"));
  const ProgramResult resumed =
      run_program("icl-train", {"--out", (folder / "stopped").string(), "--resume"});
  EXPECT_EQ(resumed.exit_code, 0);
  for (const char* file : {"model.safetensors", "optimizer.safetensors", "state.json"}) {
    const std::string path = std::string("/checkpoints/step_00003000/") + file;
    EXPECT_EQ(text_of(folder / ("stopped" + path)), text_of(folder / ("whole" + path))) << file;
    EXPECT_FALSE(text_of(folder / ("whole" + path)).empty());
  }
}

TEST(TrainProgram, WritesTensorBoardEventsWhenAsked) {
  const TempFolder folder;
  const auto train = [&](const std::string& name, const std::string& flag) {
    const std::filesystem::path out = folder / name;
    EXPECT_EQ(run_program("icl-train", {"--config", tiny_config(folder), "--out", out.string(),
                                        "--set", "training.tensorboard=" + flag, "--set",
                                        "evaluation.every=30", "--set", "evaluation.prompts=64"})
                  .exit_code,
              0);
    std::string events;
    for (const auto& entry : std::filesystem::directory_iterator(out)) {
      if (entry.path().filename().string().rfind("events.out.tfevents.", 0) == 0) {
        events += text_of(entry.path());
      }
    }
    return events;
  };
  EXPECT_EQ(train("without", "false"), "");
  const std::string events = train("with", "true");
  for (const char* tag :
       {"train/loss", "train/lr", "curriculum/n_dims", "evaluation/standard/last_point"}) {
    EXPECT_THAT(events, HasSubstr(tag));
  }
}

TEST(TrainProgram, StartsFromTheWeightsOfAnotherRun) {
  const TempFolder folder;
  const std::string config = tiny_config(folder);
  const std::string first = (folder / "first").string(), second = (folder / "second").string();
  EXPECT_EQ(run_program("icl-train", {"--config", config, "--out", first}).exit_code, 0);
  const ProgramResult tuned = run_program(
      "icl-train", {"--config", config, "--out", second, "--init-from", first + ":20", "--set",
                    "training.steps=1", "--set", "training.optimizer.lr=1e-30"});
  EXPECT_EQ(tuned.exit_code, 0) << tuned.err;
  EXPECT_EQ(text_of(second + "/checkpoints/step_00000001/model.safetensors"),
            text_of(first + "/checkpoints/step_00000020/model.safetensors"));
  const ProgramResult other =
      run_program("icl-train", {"--config", config, "--out", (folder / "third").string(),
                                "--init-from", first, "--set", "model.d_model=16"});
  EXPECT_EQ(other.exit_code, 3);
  EXPECT_THAT(other.err, HasSubstr("does not fit the model"));
  EXPECT_FALSE(std::filesystem::exists(folder / "third"));
}

TEST(TrainProgram, StopsByTheClockAndGoesOn) {
  const TempFolder folder;
  const std::string out = (folder / "run").string();
  const ProgramResult stopped = run_program(
      "icl-train",
      {"--config", tiny_config(folder), "--out", out, "--set", "training.steps=1000000", "--set",
       "training.checkpoint_every=1000000", "--set", "training.stop_after_minutes=0.005"});
  EXPECT_EQ(stopped.exit_code, 0);
  EXPECT_THAT(stopped.err, HasSubstr("--resume"));
  EXPECT_THAT(text_of(out + "/run.json"), HasSubstr("stopped by training.stop_after_minutes"));
  EXPECT_TRUE(std::filesystem::exists(out + "/checkpoints/latest"));
}

TEST(TrainProgram, AFaultAtTheStartDoesNotBlockTheCorrectedCommand) {
  const TempFolder folder;
  const std::string out = (folder / "run").string();
  const std::string config = tiny_config(folder);
  EXPECT_EQ(run_program("icl-train", {"--config", config, "--out", out, "--set",
                                      R"(training.optimizer.groups=[{"match": "log_dtt"}])"})
                .exit_code,
            2);
  EXPECT_FALSE(std::filesystem::exists(out));
  EXPECT_EQ(run_program("icl-train", {"--config", config, "--out", out, "--set",
                                      "training.optimizer.lr=1e35", "--set", "training.steps=2"})
                .exit_code,
            4);
  EXPECT_EQ(run_program("icl-train", {"--config", config, "--out", out}).exit_code, 0);
}

TEST(TrainProgram, DivergingTrainingExitsWithFour) {
  const TempFolder folder;
  const ProgramResult result =
      run_program("icl-train", {"--config", tiny_config(folder), "--out", (folder / "run").string(),
                                "--set", "training.optimizer.lr=1e35"});
  EXPECT_EQ(result.exit_code, 4);
  EXPECT_THAT(result.err, HasSubstr("training diverged at step"));
}

TEST(TrainProgram, RefusesToContinueWithAnotherConfig) {
  const TempFolder folder;
  const std::string out = (folder / "run").string();
  const std::string config = tiny_config(folder);
  EXPECT_EQ(run_program("icl-train", {"--config", config, "--out", out}).exit_code, 0);
  EXPECT_EQ(run_program("icl-train", {"--config", config, "--out", out}).exit_code, 2);
  const ProgramResult changed = run_program(
      "icl-train", {"--config", config, "--out", out, "--resume", "--set", "model.d_state=2"});
  EXPECT_EQ(changed.exit_code, 2);
  EXPECT_THAT(changed.err, HasSubstr("model.d_state: 4 -> 2"));
  std::ofstream(folder / "run/config.json") << "{";
  EXPECT_EQ(run_program("icl-train", {"--config", config, "--out", out, "--resume"}).exit_code, 3);
}

}  // namespace
}  // namespace icl
