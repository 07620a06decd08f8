// SPDX-License-Identifier: Apache-2.0
//
// What people do to programs: output that goes nowhere, options in the wrong place, two processes
// in one run, closed terminals. No result is lost without a word.
#include <gmock/gmock.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "tests/support/program.h"
#include "tests/support/tiny_config.h"

namespace icl {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::ProgramResult;
using testing::run_program;
using testing::TempFolder;
using testing::text_of;
using testing::tiny_config;

// A run of 30 steps, trained once for all tests.
const std::string& run() {
  static const TempFolder folder;
  static const std::string path = [] {
    const std::string out = (folder / "run").string();
    EXPECT_EQ(run_program("icl-train", {"--config", tiny_config(folder), "--out", out}).exit_code,
              0);
    return out;
  }();
  return path;
}

// Exit code of a command line that starts with a program of ours.
int shell(const std::string& command) {
  const int status = std::system((std::string(ICL_BIN_DIR) + "/" + command).c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST(Misuse, ResultsThatDoNotFitOnStdoutAreAnError) {
  EXPECT_EQ(shell("icl-eval --run " + run() + " --prompts 8 --quiet > /dev/full 2> /dev/null"), 3);
  EXPECT_EQ(shell("icl-train --describe > /dev/full 2> /dev/null"), 3);
  EXPECT_EQ(shell("icl-eval --run " + run() + " --prompts 8 --quiet > /dev/null"), 0);
}

TEST(Misuse, AssignmentsAreTakenOrRefused) {
  const ProgramResult result =
      run_program("icl-eval", {"--run", run(), "--set", "task.n_dims=9", "--prompts", "8"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("--set task.n_dims=9: this command reads no config"));
}

TEST(Misuse, OptionsOfAnotherCommandAreRefused) {
  const ProgramResult result =
      run_program("icl-eval", {"--checkpoint", "30", "predict", "--prompts", "none.safetensors",
                               "--baselines", "zero", "--out", "none"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("--checkpoint is not for 'predict', or stands before it"));
}

TEST(Misuse, FilesThatCannotBeWrittenAreToldBeforeTheWork) {
  const TempFolder folder;
  const auto sample = [&](const std::string& out) {
    return run_program("icl-eval", {"sample", "--config", tiny_config(folder), "--out", out});
  };
  EXPECT_THAT(sample(folder.path().string()).err, HasSubstr("is a folder, expected a file"));
  const ProgramResult nowhere = sample((folder / "none/x").string());
  EXPECT_EQ(nowhere.exit_code, 3);
  EXPECT_THAT(nowhere.err, HasSubstr("there is no folder"));
  EXPECT_EQ(sample("/dev/null").exit_code, 0);
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

TEST(Misuse, AConfigMayComeThroughAPipe) {
  const TempFolder folder;
  const std::string command = "icl-train --config /dev/stdin --print-config > /dev/null";
  EXPECT_EQ(
      std::system(("cat " + tiny_config(folder) + " | " + ICL_BIN_DIR + "/" + command).c_str()), 0);
}

TEST(Misuse, AModelThatFitsInNoMemoryIsNoDefect) {
  const TempFolder folder;
  const ProgramResult result = run_program(
      "icl-train",
      {"--config", tiny_config(folder), "--set", "training.batch_size=999999999999", "--dry-run"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("out of memory"));
  EXPECT_THAT(result.err, Not(HasSubstr("frame #")));
}

std::vector<std::string> long_run(const TempFolder& folder, const std::string& name) {
  return {"--config", tiny_config(folder),       "--out", (folder / name).string(),
          "--set",    "training.steps=10000000", "--set", "training.checkpoint_every=5000000"};
}

void wait_for(const fs::path& file) {
  while (!fs::exists(file)) std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

TEST(Misuse, AFlagThatMeansNothingToACommandIsRefused) {
  const auto refusal = [](const std::string& program, const std::vector<std::string>& arguments) {
    const ProgramResult result = run_program(program, arguments);
    EXPECT_EQ(result.exit_code, 2) << program;
    return result.err;
  };
  EXPECT_THAT(refusal("icl-report", {"runs", "--seed", "3"}),
              HasSubstr("--seed: means nothing to"));
  EXPECT_THAT(refusal("icl-report", {"runs", "--device", "cpu"}),
              HasSubstr("--device: means nothing"));
  EXPECT_THAT(refusal("icl-nlp", {"tokenize", "--tokenizer", "x", "--json"}),
              HasSubstr("--json: means nothing to icl-nlp tokenize"));
  EXPECT_THAT(refusal("icl-eval", {"sample", "--config", "x", "--out", "y", "--json"}),
              HasSubstr("--json: means nothing to icl-eval sample"));
}

TEST(Misuse, ASecondProcessInARunIsRefused) {
  const TempFolder folder;
  const ProgramResult first = run_program("icl-train", long_run(folder, "run"), [&](pid_t child) {
    wait_for(folder / "run/metrics.jsonl");
    const ProgramResult second =
        run_program("icl-train", {"--out", (folder / "run").string(), "--resume"});
    EXPECT_EQ(second.exit_code, 3);
    EXPECT_THAT(second.err, HasSubstr("another process is training this run"));
    ::kill(child, SIGINT);
  });
  EXPECT_EQ(first.exit_code, 128 + SIGINT);
}

TEST(Misuse, AClosedTerminalAndALostReaderStopTrainingAfterSaving) {
  for (const int signal : {SIGHUP, SIGPIPE, SIGUSR1, SIGUSR2, SIGXCPU}) {
    const TempFolder folder;
    const ProgramResult result =
        run_program("icl-train", long_run(folder, "run"), [&](pid_t child) {
          wait_for(folder / "run/metrics.jsonl");
          ::kill(child, signal);
        });
    EXPECT_EQ(result.exit_code, 128 + signal);
    EXPECT_TRUE(fs::exists(folder / "run/checkpoints/latest"));
    EXPECT_THAT(text_of(folder / "run/run.json"), HasSubstr("stopped by signal"));
  }
}

// Slurm sends TERM twice within milliseconds, and a closing terminal HUP.
TEST(Misuse, AStopSignalThatComesTwiceStillSaves) {
  for (const int signal : {SIGTERM, SIGHUP, SIGINT}) {
    const TempFolder folder;
    const ProgramResult result =
        run_program("icl-train", long_run(folder, "run"), [&](pid_t child) {
          wait_for(folder / "run/metrics.jsonl");
          ::kill(child, signal);
          std::this_thread::sleep_for(std::chrono::milliseconds(2));
          ::kill(child, signal);
        });
    EXPECT_EQ(result.exit_code, 128 + signal);
    EXPECT_TRUE(fs::exists(folder / "run/checkpoints/latest"));
  }
}

}  // namespace
}  // namespace icl
