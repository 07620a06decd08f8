// SPDX-License-Identifier: Apache-2.0
//
// icl-probe as a person meets it: where its results go. The program is in ICL_BIN_DIR.
#include <gmock/gmock.h>

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

// A run with a checkpoint at step 2.
std::string run_in(const TempFolder& folder, const std::string& name, const std::string& seed) {
  const std::string run = (folder / name).string();
  const ProgramResult trained =
      run_program("icl-train", {"--config", tiny_config(folder), "--out", run, "--seed", seed,
                                "--set", "training.steps=2", "--quiet"});
  EXPECT_EQ(trained.exit_code, 0) << trained.err;
  return run;
}

ProgramResult probe_of(const std::vector<std::string>& runs, const std::string& out) {
  std::vector<std::string> arguments{"--run"};
  arguments.insert(arguments.end(), runs.begin(), runs.end());
  for (const char* argument : {"--context", "6", "--fit-points", "3", "--queries", "2", "--prompts",
                               "8", "--references", "none"}) {
    arguments.emplace_back(argument);
  }
  if (!out.empty()) arguments.insert(arguments.end(), {"--out", out});
  return run_program("icl-probe", arguments);
}

TEST(ProbeProgram, WritesIntoTheRunsOrIntoOneFolderOfAPersonsChoice) {
  const TempFolder folder;
  const std::string run = run_in(folder, "first", "1");
  ProgramResult result = probe_of({run}, "");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(text_of(folder / "first/probe/readout_00000002_context6_prompts8_queries2_fit3.json"),
              HasSubstr("icl.probe"));
  result = probe_of({run}, (folder / "results").string());
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(text_of(folder / "results/readout_00000002_context6_prompts8_queries2_fit3.json"),
              HasSubstr("icl.probe"));
}

TEST(ProbeProgram, SeveralRunsDoNotOverwriteEachOther) {
  const TempFolder folder;
  const std::string first = run_in(folder, "first", "1");
  const std::string second = run_in(folder, "second", "2");
  const std::string out = (folder / "results").string();
  ProgramResult result = probe_of({first, second + "/"}, out);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(
      text_of(folder / "results/first/readout_00000002_context6_prompts8_queries2_fit3.json"),
      text_of(folder / "results/second/readout_00000002_context6_prompts8_queries2_fit3.json"));
  result = probe_of({first, first}, out);
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("results/first'; expected runs of different names"));
}

}  // namespace
}  // namespace icl
