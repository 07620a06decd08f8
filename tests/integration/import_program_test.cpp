// SPDX-License-Identifier: Apache-2.0
//
// icl-import as a person meets it: from a folder of the Python code to predictions, curves, probes.
// The programs are in ICL_BIN_DIR.
#include <gmock/gmock.h>

#include "icl/io/safetensors.h"
#include "tests/support/compare.h"
#include "tests/support/program.h"
#include "tests/support/python_folder.h"

namespace icl {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::ProgramResult;
using testing::PythonFolder;
using testing::run_program;
using testing::TempFolder;
using testing::text_of;

TEST(ImportProgram, ImportsARunThatPredictsAsTheOriginal) {
  for (const PythonFolder& original : {testing::python_gpt2(true), testing::python_gpt2(false),
                                       testing::python_mamba(), testing::python_s4()}) {
    const TempFolder folder;
    const std::string run = (folder / "run").string();
    original.write(folder / "original", 41);
    const ProgramResult imported =
        run_program("icl-import", {"--from", (folder / "original").string(), "--out", run});
    ASSERT_EQ(imported.exit_code, 0) << imported.err;
    EXPECT_THAT(imported.out, AllOf(HasSubstr("2 blocks of width 8"), HasSubstr("step 41")));

    at::manual_seed(3);
    const at::Tensor xs = at::randn({6, 11, 3});
    const at::Tensor ys = at::randn({6, 11});
    const std::string prompts = (folder / "prompts.safetensors").string();
    const std::string out = (folder / "predictions.safetensors").string();
    write_safetensors(prompts, {{"xs", xs}, {"ys", ys}});
    const ProgramResult predicted =
        run_program("icl-eval", {"predict", "--run", run, "--prompts", prompts, "--out", out});
    ASSERT_EQ(predicted.exit_code, 0) << predicted.err;
    const at::Tensor predictions = SafetensorsFile(out).tensor("predictions");
    EXPECT_LT(testing::relative_error(predictions, original.predict(xs, ys)), 1e-4);
  }
}

TEST(ImportProgram, TheRunIsOneLikeAnyOther) {
  const TempFolder folder;
  const std::string run = (folder / "run").string();
  testing::python_mamba().write_model(folder / "original", 100);
  testing::python_mamba().write_model(folder / "original", 200);
  testing::python_mamba().write_model(folder / "original", 300);
  const ProgramResult imported = run_program(
      "icl-import", {"--from", (folder / "original").string(), "--out", run, "--all", "--json"});
  ASSERT_EQ(imported.exit_code, 0) << imported.err;
  EXPECT_THAT(imported.out, HasSubstr("\"schema\": \"icl.import\""));
  EXPECT_THAT(text_of(folder / "run/run.json"),
              AllOf(HasSubstr("\"imported\""), HasSubstr("model_300.pt")));
  EXPECT_EQ(std::filesystem::read_symlink(folder / "run/checkpoints/latest"), "step_00000300");

  ProgramResult result = run_program(
      "icl-eval", {"--run", run, "--checkpoint", "100", "--prompts", "64", "--no-progress"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  result = run_program("icl-probe",
                       {"--run", run, "--checkpoint", "all", "--context", "6", "--fit-points", "3",
                        "--queries", "2", "--prompts", "8", "--iterations", "3"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  result = run_program("icl-report", {run});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(text_of(folder / "run/report.html"),
              AllOf(HasSubstr("standard"), HasSubstr("read-out")));
  // There is nothing to resume: the original's optimizer is not taken over.
  result = run_program("icl-train", {"--out", run, "--resume"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("step_00000300': imported weights, without the state of their "
                                    "optimizer"));
}

TEST(ImportProgram, WhatCannotBeImportedExitsWithThreeAndLeavesNothing) {
  const TempFolder folder;
  const std::string from = (folder / "original").string();
  const std::string out = (folder / "run").string();
  EXPECT_EQ(run_program("icl-import", {"--from", from, "--out", out}).exit_code, 3);
  PythonFolder original = testing::python_s4();
  original.weights.erase("s4_layers.1.kernel.log_dt");
  original.write(from, 5);
  ProgramResult result = run_program("icl-import", {"--from", from, "--out", out});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("missing: s4_layers.1.kernel.log_dt [8]"));
  EXPECT_FALSE(std::filesystem::exists(out));
  std::ofstream(folder / "original/state.pt") << "not a checkpoint";
  result = run_program("icl-import", {"--from", from, "--out", out});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("state.pt"));
  EXPECT_EQ(run_program("icl-import", {"--from", from}).exit_code, 2);
}

TEST(ImportProgram, DoesNotWriteOverARun) {
  const TempFolder folder;
  const std::string from = (folder / "original").string();
  const std::string out = (folder / "run").string();
  testing::python_mamba().write(from, 5);
  EXPECT_EQ(run_program("icl-import", {"--from", from, "--out", out}).exit_code, 0);
  EXPECT_EQ(run_program("icl-import", {"--from", from, "--out", out}).exit_code, 2);
}

}  // namespace
}  // namespace icl
