// SPDX-License-Identifier: Apache-2.0
//
// Everything that defines a run: one config file, read whole or refused with all its problems.
//
//   const icl::RunConfig config = icl::load_run_config("configs/quickstart/mamba.json",
//                                                      {"training.steps=2000", "seed=3"});
//   std::puts(icl::run_config_text(config).c_str());
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "icl/config/reader.h"
#include "icl/config/table.h"
#include "icl/config/writer.h"
#include "icl/models/model_config.h"
#include "icl/runs/training_config.h"
#include "icl/tasks/demonstrations.h"
#include "icl/tasks/task_config.h"
#include "icl/tasks/token_task.h"

namespace icl {

// What the model learns: to predict functions of numbers, or tokens.
enum class ObjectiveKind { kRegression, kTokens };

struct EvaluationConfig {
  int64_t every = 0;
  std::vector<std::string> suites = {"standard"};
  int64_t prompts = 1280;

  void describe(Fields& f);
};

struct TokensConfig {
  TokenTask task = Demonstrations{};

  void describe(Fields& f);
};

struct RunConfig {
  std::string name = "run";
  int64_t seed = 0;
  std::string device = "auto";
  int64_t threads = 0;
  std::string objective = "regression";  // or "tokens"
  std::string init_from;                 // RUN or RUN:STEP whose weights the run starts from
  ModelConfig model;
  TaskConfig task;      // of the objective "regression"
  TokensConfig tokens;  // of the objective "tokens"
  TrainingConfig training;
  EvaluationConfig evaluation;

  ObjectiveKind objective_kind() const {
    return objective == "tokens" ? ObjectiveKind::kTokens : ObjectiveKind::kRegression;
  }
  void describe(Fields& f);
  // Keys that do not fit each other.
  void check(Problems& problems) const;
};

// What rooms above this one know of keys that do not fit, e.g. names of settings.
using ConfigCheck = std::function<void(const RunConfig& config, Problems& problems)>;

// Reads the file, what it extends and the assignments (see ConfigTree). Throws UsageError listing
// every problem, one a line, with file, line and key.
RunConfig load_run_config(const std::filesystem::path& path,
                          const std::vector<std::string>& assignments = {},
                          const std::vector<ConfigCheck>& checks = {});
RunConfig read_run_config(const ConfigTree& tree, const std::vector<ConfigCheck>& checks = {});

// The effective config with every default, as it is stored in a run folder.
nlohmann::ordered_json run_config_json(const RunConfig& config);
std::string run_config_text(const RunConfig& config);

// Throws UsageError with a diff unless `now` continues `then`: only keys may differ that their
// structs list within Fields::may_change_on_resume().
void check_resumable(const RunConfig& then, const RunConfig& now);

}  // namespace icl
