// SPDX-License-Identifier: Apache-2.0
//
// Everything that defines a run: one config file, read whole or refused with all its problems.
//
//   const RunConfig config = load_run_config("configs/quickstart/mamba.json",
//                                            {"training.steps=2000", "seed=3"});
//   write_file_atomically("runs/a/config.json", run_config_text(config));
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "icl/config/fields.h"
#include "icl/config/model_config.h"
#include "icl/config/task_config.h"
#include "icl/config/training_config.h"
#include "icl/config/visitors.h"

namespace icl {

struct EvaluationConfig {
  int64_t every = 0;
  std::vector<std::string> suites = {"standard"};
  int64_t prompts = 1280;

  void describe(Fields& f);
};

struct RunConfig {
  std::string name = "run";
  int64_t seed = 0;
  std::string device = "auto";
  int64_t threads = 0;
  ModelConfig model;
  TaskConfig task;
  TrainingConfig training;
  EvaluationConfig evaluation;

  void describe(Fields& f);
};

// Reads the file, what it extends and the assignments (see ConfigTree). Throws UsageError listing
// every problem, one a line.
RunConfig load_run_config(const std::filesystem::path& path,
                          const std::vector<std::string>& assignments = {});
RunConfig read_run_config(const ConfigTree& tree);

// Conditions between keys, each problem a line that names the keys and their values.
void check_run_config(const RunConfig& config, std::vector<std::string>& problems);

// The effective config with every default, as it is stored in a run folder.
nlohmann::ordered_json run_config_json(const RunConfig& config);
std::string run_config_text(const RunConfig& config);

// Throws UsageError with a diff unless `now` continues `then`: only steps, name, logging,
// checkpoint, evaluation, device and thread keys may differ.
void check_resumable(const nlohmann::ordered_json& then, const RunConfig& now);

}  // namespace icl
