// SPDX-License-Identifier: Apache-2.0
//
// icl-eval as a person meets it: where its results go, and what it skips and refuses. The program
// is in ICL_BIN_DIR.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "icl/evaluation/results.h"
#include "icl/io/safetensors.h"
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
using testing::tiny_config;

// A run with checkpoints at steps 10, 20 and 30.
std::string run_in(const TempFolder& folder, std::vector<std::string> more = {}) {
  const std::string run = (folder / "run").string();
  std::vector<std::string> arguments = {"--config", tiny_config(folder),   "--out", run, "--quiet",
                                        "--set",    "training.keep_last=9"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const ProgramResult trained = run_program("icl-train", arguments);
  EXPECT_EQ(trained.exit_code, 0) << trained.err;
  return run;
}

ProgramResult eval(const std::string& run, std::vector<std::string> more) {
  std::vector<std::string> arguments = {"--run",         run,         "--prompts", "70",
                                        "--no-progress", "--threads", "1"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run_program("icl-eval", arguments);
}

TEST(EvalProgram, NoResultReplacesAnotherSilently) {
  const TempFolder folder;
  const std::string run = run_in(folder);
  const fs::path results = fs::path(run) / "eval";
  ASSERT_EQ(eval(run, {"--checkpoint", "10"}).exit_code, 0);
  ASSERT_EQ(eval(run, {"--seed", "3", "--points", "7"}).exit_code, 0);
  const ProgramResult first = eval(run, {});
  EXPECT_THAT(first.out, HasSubstr("standard: isotropic"));
  const EvalResult early = EvalResult::read(results / "standard_step00000010_prompts70.json");
  EXPECT_EQ(early.from.checkpoint_step, 10);
  EXPECT_EQ(EvalResult::read(results / "standard_points7_prompts70_seed3.json").n_points, 7);
  const EvalResult last = EvalResult::read(results / "standard_prompts70.json");
  EXPECT_EQ(last.from.checkpoint_step, 30);
  EXPECT_EQ(last.from.device, "cpu");
  const ProgramResult again = eval(run, {});
  EXPECT_THAT(again.err, HasSubstr("nothing has changed since it was evaluated"));
  EXPECT_EQ(again.out, first.out);
  EXPECT_THAT(eval(run, {"--force"}).err, Not(HasSubstr("nothing has changed")));
  EXPECT_THAT(eval(run, {"--baselines", "zero"}).err, HasSubstr("which differs: curves"));
}

TEST(EvalProgram, SkipsOfASuiteWhatTheModelCannotDo) {
  const TempFolder folder;
  const std::string run =
      run_in(folder, {"--set",
                      "model={\"family\": \"gpt2\", \"d_model\": 8, \"n_layer\": 1, "
                      "\"n_head\": 2, \"positions\": \"learned\", \"n_positions\": 10}"});
  const ProgramResult all = eval(run, {"--suite", "all"});
  EXPECT_EQ(all.exit_code, 0) << all.err;
  EXPECT_THAT(all.err, HasSubstr("skipping extrapolation: 200 points are 400 tokens"));
  EXPECT_THAT(all.out, HasSubstr("noisy: "));
  const ProgramResult named = eval(run, {"--suite", "standard,extrapolation"});
  EXPECT_EQ(named.exit_code, 2);
  EXPECT_THAT(named.err, HasSubstr("200 points are 400 tokens"));
}

TEST(EvalProgram, AFolderThatCannotBeWrittenStillGivesATable) {
  const TempFolder folder;
  const std::string run = run_in(folder);
  // A file where the folder is due, as a person who runs the tests may be allowed to write
  // anywhere.
  std::ofstream(fs::path(run) / "eval") << "no folder";
  const ProgramResult result = eval(run, {});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("standard: isotropic"));
  EXPECT_THAT(result.err, HasSubstr("nothing will be stored"));
  const ProgramResult elsewhere = eval(run, {"--out", (folder / "there").string()});
  EXPECT_EQ(elsewhere.exit_code, 0) << elsewhere.err;
  EXPECT_TRUE(fs::exists(folder / "there/standard_prompts70.json"));
  EXPECT_EQ(eval(run, {"--out", (fs::path(run) / "eval").string()}).exit_code, 3);
}

TEST(EvalProgram, NumbersThatAreNotFiniteAreNamedTheSecondTimeToo) {
  const TempFolder folder;
  const std::string run = run_in(folder);
  std::string config = testing::text_of(fs::path(run) / "config.json");
  const size_t inputs = config.find("\"scale\"", config.find("\"distribution\""));
  ASSERT_NE(inputs, std::string::npos) << config;
  config.replace(inputs, config.find_first_of(",\n", inputs) - inputs, "\"scale\": 1e30");
  std::ofstream(fs::path(run) / "config.json") << config;
  for (int time = 0; time < 2; ++time) {
    const ProgramResult result = eval(run, {"--suite", "training_distribution"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_THAT(result.out, HasSubstr("not finite"));
    EXPECT_THAT(result.out, Not(HasSubstr("nan")));
  }
}

TEST(EvalProgram, PromptsOfDoublePrecisionAreConvertedWithANote) {
  const TempFolder folder;
  const std::string run = run_in(folder);
  const at::Tensor xs = at::ones({2, 4, 3}), ys = at::ones({2, 4});
  const auto predict = [&](const char* name, at::ScalarType type) {
    const std::string prompts = (folder / (std::string(name) + ".in")).string();
    const std::string out = (folder / name).string();
    write_safetensors(prompts, {{"xs", xs.to(type)}, {"ys", ys.to(type)}});
    const ProgramResult result =
        run_program("icl-eval", {"predict", "--run", run, "--prompts", prompts, "--out", out});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return std::pair(result.err, SafetensorsFile(out).tensor("predictions"));
  };
  const auto [quiet, expected] = predict("single", at::kFloat);
  const auto [note, converted] = predict("double", at::kDouble);
  EXPECT_THAT(quiet, Not(HasSubstr("float64")));
  EXPECT_THAT(note, HasSubstr("xs is float64 and is converted to float32"));
  EXPECT_TRUE(at::equal(converted, expected));
}

// A signal during a long setting: the program ends within a second or two, whatever it is at.
TEST(EvalProgram, StopsSoonAfterASignal) {
  const TempFolder folder;
  const std::string run = run_in(folder);
  std::vector<std::string> arguments = {"--run",
                                        run,
                                        "--prompts",
                                        "100000",
                                        "--baselines",
                                        "gd_network,tree",
                                        "--points",
                                        "100",
                                        "--no-progress",
                                        "--threads",
                                        "1"};
  const auto stop = [](pid_t child) {
    ::sleep(4);
    ::kill(child, SIGTERM);
    ::sleep(3);
    ::kill(child, SIGKILL);
  };
  EXPECT_EQ(run_program("icl-eval", arguments, stop).exit_code, 128 + SIGTERM);
}

TEST(EvalProgram, SampleRefusesTokens) {
  const TempFolder folder;
  const ProgramResult result = run_program(
      "icl-eval", {"sample", "--config", tiny_config(folder), "--set", "objective=tokens", "--set",
                   "task=null", "--out", (folder / "prompts").string()});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("objective is tokens"));
}

}  // namespace
}  // namespace icl
