// SPDX-License-Identifier: Apache-2.0
//
// The chain of language models: icl-train, icl-nlp eval on the folder that it exports, icl-report.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/support/program.h"

namespace icl {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using testing::ProgramResult;
using testing::run_program;
using testing::TempFolder;
using testing::text_of;

// A run of a few steps; its folder.
std::string trained_in(const TempFolder& folder, const std::string& model) {
  std::ofstream(folder / "tiny.json") << R"({
    "name": "tiny", "seed": 2, "threads": 1, "device": "cpu",
    "model": )" + model + R"(,
    "objective": "tokens", "tokens": { "task": "demonstrations" },
    "training": { "steps": 3, "batch_size": 2, "curriculum": { "points": { "start": 3, "end": 3 } } }
    })";
  const std::string run = (folder / "run").string();
  const ProgramResult trained =
      run_program("icl-train", {"--config", (folder / "tiny.json").string(), "--out", run});
  EXPECT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_THAT(trained.out, HasSubstr("icl-nlp eval --model"));
  return run;
}

const std::string kMamba = R"({ "family": "mamba", "d_model": 16, "n_layer": 2, "d_state": 4 })";
const std::string kGpt2 =
    R"({ "family": "gpt2", "d_model": 16, "n_layer": 2, "n_head": 2, "positions": "learned",
         "n_positions": 64 })";

TEST(NlpEvalProgram, EvaluatesAnExportedRunIntoAllItsFiles) {
  const TempFolder folder;
  const std::string run = trained_in(folder, kMamba);
  const std::string out = (folder / "results/tiny.json").string();
  const ProgramResult result =
      run_program("icl-nlp", {"eval",
                              "--model",
                              run + "/hf",
                              "--tasks",
                              "to_upper,list_first,country_capital,antonyms",
                              "--shots",
                              "0,2,25",
                              "--prompts",
                              "20",
                              "--limit",
                              "6",
                              "--out",
                              out,
                              "--samples",
                              (folder / "samples.jsonl").string(),
                              "--seed",
                              "4",
                              "--task-vectors",
                              "--threads",
                              "1"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("| task"));
  EXPECT_THAT(result.out, HasSubstr("25 shots"));
  // A byte-level tokenizer has no antonym of one token.
  EXPECT_THAT(result.out,
              HasSubstr("antonyms: too few items for 0, 2 and 25 shots: 0 with answers of one"));
  const json written = json::parse(text_of(out));
  EXPECT_EQ(written["schema"], "icl.nlp");
  EXPECT_EQ(written["model"]["family"], "mamba");
  EXPECT_EQ(written["n_prompts"], 6);
  EXPECT_EQ(written["seed"], 4);
  EXPECT_EQ(written["results"].size(), 12u);
  EXPECT_EQ(written["task_vectors"].size(), 8u);
  EXPECT_THAT(text_of(folder / "results/tiny.csv"), HasSubstr("task,to_upper,algorithmic,2,"));
  const std::string samples = text_of(folder / "samples.jsonl");
  EXPECT_EQ(std::count(samples.begin(), samples.end(), '\n'), 3 * 3 * 6);
  EXPECT_EQ(json::parse(samples.substr(0, samples.find('\n')))["index"], 0);
  const ProgramResult again = run_program(
      "icl-nlp", {"eval", "--model", run + "/hf", "--tasks", "to_upper", "--shots", "2", "--limit",
                  "6", "--seed", "4", "--json", "--batch-size", "1", "--threads", "2"});
  const json repeated = json::parse(again.out);
  for (const json& entry : written["results"]) {
    if (entry["task"] != "to_upper" || entry["shots"] != 2) continue;
    EXPECT_EQ(repeated["results"][0]["accuracy"], entry["accuracy"]);
  }
  const ProgramResult report =
      run_program("icl-report", {out, "--out", (folder / "page.html").string()});
  EXPECT_EQ(report.exit_code, 0) << report.err;
  EXPECT_THAT(text_of(folder / "page.html"), HasSubstr("Accuracy against shots"));
}

TEST(NlpEvalProgram, SharesContextsAndCountsOverflow) {
  const TempFolder folder;
  const std::string run = trained_in(folder, kGpt2);
  const ProgramResult result =
      run_program("icl-nlp", {"eval", "--model", run + "/hf", "--tasks", "to_lower", "--shots",
                              "1,4,8", "--prompts", "10", "--shared-context", "--json"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const json written = json::parse(result.out);
  EXPECT_EQ(written["queries_per_context"], 20);
  EXPECT_EQ(written["results"][0]["n_prompts"], 10);
  EXPECT_EQ(written["results"][1]["overflow"], 0);  // 4 * 13 + 11 bytes fit, 8 * 13 do not
  EXPECT_EQ(written["results"][2]["overflow"], 10);
  EXPECT_TRUE(written["results"][2]["accuracy"].is_null());
}

TEST(NlpEvalProgram, WrongUsageExitsWithTwoAndMissingDataWithThree) {
  const auto eval = [](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "eval");
    return run_program("icl-nlp", arguments);
  };
  EXPECT_EQ(eval({}).exit_code, 2);
  const ProgramResult unknown = eval({"--model", "x", "--tasks", "to_uper"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("did you mean 'to_upper'?"));
  EXPECT_EQ(eval({"--model", "x", "--shots", "-1"}).exit_code, 2);
  EXPECT_EQ(eval({"--model", "x", "--prompts", "0"}).exit_code, 2);
  const ProgramResult misspelled = run_program("icl-nlp", {"evla", "--model", "x"});
  EXPECT_EQ(misspelled.exit_code, 2);
  EXPECT_THAT(misspelled.err, HasSubstr("unknown command 'evla', expected one of eval, logits"));
  EXPECT_THAT(misspelled.err, HasSubstr("did you mean 'eval'?"));
  EXPECT_THAT(run_program("icl-nlp", {}).err, HasSubstr("no command, expected one of eval"));
  EXPECT_THAT(run_program("icl-nlp", {"--threads", "x"}).err, HasSubstr("--threads"));
  const TempFolder folder;
  const ProgramResult missing = eval({"--model", (folder / "none").string()});
  EXPECT_EQ(missing.exit_code, 3);
  EXPECT_THAT(missing.err, HasSubstr("none"));
}

TEST(NlpEvalProgram, RunsOfLanguageModelsAreNotForIclEval) {
  const TempFolder folder;
  const ProgramResult result = run_program("icl-eval", {"--run", trained_in(folder, kMamba)});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("use icl-nlp on"));
}

}  // namespace
}  // namespace icl
