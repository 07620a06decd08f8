// SPDX-License-Identifier: Apache-2.0
//
// What a report reads: run folders and result files, through the types that wrote them. Missing,
// unfinished and damaged files never stop it; each leaves a note for the reader of the report.
//
//   const icl::report::ReportInputs inputs =
//       icl::report::read_inputs({"runs/mamba", "runs/gpt2", "nlp/pythia-160m.json"});
//   for (const std::string& note : inputs.notes) icl::log_warning(note);
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "icl/evaluation/results.h"
#include "icl/language/results.h"
#include "icl/probing/results.h"
#include "icl/runs/run_config.h"
#include "icl/runs/run_metrics.h"
#include "icl/runs/run_record.h"

namespace icl::report {

// The task that prompts were drawn from, as figures tell tasks apart.
struct PromptTask {
  std::string key;    // equal for tasks whose curves may share a panel; "": unknown
  std::string label;  // "linear regression, 20 dimensions"
  int64_t n_dims = 0;
};

struct ReportedEvaluation {
  EvalResult result;
  PromptTask task;           // the task that the model was trained on, if that is known
  std::string setting;       // its label, with the inputs where they are those of the training
  bool of_training = false;  // of the last batches of a run that has no evaluation yet
};

struct ReportedProbe {
  ProbeResult result;
  PromptTask task;  // with the distribution that the prompts had
};

struct ReportedRun {
  std::filesystem::path path;
  std::string name;
  std::string family;  // "" if unknown
  std::optional<int64_t> seed;
  int64_t parameters = 0;           // 0: unknown
  int64_t planned_steps = 0;        // 0: unknown
  int64_t steps = 0;                // done
  std::string state = "unknown";    // "finished", "in progress", "stopped by signal 15", ...
  PromptTask task;                  // that the model was trained on
  std::optional<RunConfig> config;  // none: missing, damaged, or of kinds that this program lacks
  nlohmann::ordered_json
      config_json;  // with every default; as in the file if `config` is not there
  RunRecord record;
  RunMetrics metrics;
  std::vector<ReportedEvaluation> evaluations;
  std::vector<ReportedProbe> probes;
};

struct ReportInputs {
  std::vector<ReportedRun> runs;
  std::vector<LanguageEvaluation> language;
  std::vector<std::string> notes;  // what could not be read, and what follows from that
};

// Each path is a run folder, a folder of run folders or of result files, or one result file.
// Throws DataError when nothing usable is found, saying what was expected where.
ReportInputs read_inputs(const std::vector<std::filesystem::path>& paths);

}  // namespace icl::report
