// SPDX-License-Identifier: Apache-2.0
//
// icl-eval, for programs that add families, tasks, settings or baselines of their own:
//
//   int main(int argc, char** argv) {
//     icl::settings().add(mirrored());
//     return icl::eval_main(argc, argv);
//   }
//
// The other functions are what it does, behind its flags: each returns the exit code and throws
// Error.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "icl/cli/program.h"

namespace icl {

// The whole program. Returns the exit code.
int eval_main(int argc, char** argv);

struct EvalOptions {
  std::string run;
  std::string checkpoint = "latest";
  std::vector<std::string> suites = {"standard"};
  int64_t points = 0;
  int64_t prompts = 1280;
  std::vector<std::string> baselines = {"auto"};
  std::string out;     // folder of the results; empty: eval/ in the run folder
  bool force = false;  // evaluate again what is stored
};

struct PredictOptions {
  std::string run;  // may be empty if there are baselines
  std::string checkpoint = "latest";
  std::string prompts;
  std::string out;
  std::vector<std::string> baselines;
  std::optional<double> ridge_penalty;
};

struct SampleOptions {
  std::string config;
  std::string out;
  int64_t points = 0;
  int64_t prompts = 1280;
};

void add_eval_options(CLI::App& app, EvalOptions& options);
void add_predict_options(CLI::App& app, PredictOptions& options);
void add_sample_options(CLI::App& app, SampleOptions& options);

// Learning curves of a run into its folder of evaluations, and a table on stdout.
int run_eval(const EvalOptions& options, const CommonOptions& common);
// Predictions for the prompts of a file.
int run_predict(const PredictOptions& options, const CommonOptions& common);
// Prompts of a config's task, into a file.
int run_sample(const SampleOptions& options, const CommonOptions& common);

}  // namespace icl
