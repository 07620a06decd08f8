// SPDX-License-Identifier: Apache-2.0
//
// Evaluation results as files and as text.
//
//   const RunFacts facts = facts_of(run);
//   const std::string key = settings_key(facts, setting, run.config.task, options);
//   if (!read_result(run.path / "eval" / "standard.json", key)) write_result(...);
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "icl/evaluation/evaluate.h"
#include "icl/models/run_folder.h"

namespace icl {

// What a result says of the run it belongs to.
struct RunFacts {
  std::string name;
  std::string path;
  std::string family;
  int64_t parameters = 0;
  int64_t seed = 0;
  int64_t checkpoint_step = 0;
  std::string checkpoint_checksum;
};
RunFacts facts_of(const LoadedRun& run);

// Identifies everything that a result depends on: checkpoint, setting, task, points, prompts, seed
// and baselines.
std::string settings_key(const RunFacts& run, const Setting& setting, const TaskConfig& task,
                         const EvaluateOptions& options);

// {"schema": "icl.eval", "version": 1, "run", "task", "setting", ..., "curves": [...]}
nlohmann::ordered_json result_json(const SettingResult& result, const RunFacts& run,
                                   const std::string& key);
// Columns curve,n,mean,std,low,high; n counts in-context examples.
std::string result_csv(const SettingResult& result);

// Writes <folder>/<setting>.json and .csv, each whole or not at all.
void write_result(const std::filesystem::path& folder, const SettingResult& result,
                  const RunFacts& run, const std::string& key);
// The stored result, if it is readable and has this key.
std::optional<nlohmann::ordered_json> read_result(const std::filesystem::path& file,
                                                  const std::string& key);

// A table for people from a result as JSON: mean and interval of each curve at selected numbers of
// in-context examples.
std::string table_text(const nlohmann::ordered_json& result);
// One line: error after `n` in-context examples, the model beside the baselines.
std::string line_text(const SettingResult& result, int64_t n);

}  // namespace icl
