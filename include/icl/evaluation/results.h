// SPDX-License-Identifier: Apache-2.0
//
// The result of a setting: in memory, as a file, and as text.
//
//   const icl::EvalResult result = icl::EvalResult::read("runs/a/eval/standard.json");
//   const double last = result.curves.front().mean.back();   // of the model
//   const std::string table = icl::table_text(result);
//
// eval/<setting>.json, an example (schema "icl.eval", version 1):
// clang-format off
//   {"schema": "icl.eval", "version": 1,
//    "run": {"name", "path", "family", "parameters", "seed", "checkpoint_step", "checkpoint_checksum"},
//    "provenance": {"icl_version", "git", "torch", "device", "threads", "libraries": {"xgboost": "1.7.4"}},
//    "task": {"function": "linear_regression", ...},   the config that the prompts were drawn from
//    "setting": "standard", "description": "isotropic Gaussian inputs, ...",
//    "n_points": 41, "n_prompts": 1280, "seed": 0,
//    "train_points": 41,                               longest prompt that the weights have seen; null: unknown
//    "train_dims": 20,                                 most dimensions that they have seen; null: unknown
//    "metric": "squared error", "normaliser": {"name": "d", "value": 20},
//    "left_out": [{"name": "xgboost", "reason": "..."}],   baselines of the task that this build lacks
//    "settings_key": "0f3a...",                        identifies everything that the result depends on
//    "curves": [{"name": "mamba", "kind": "model",     then the baselines, "kind": "baseline"
//                "mean": [1.0, ...], "std": [...], "low": [...], "high": [...]}]}
// clang-format on
// Lists have a number for each number of in-context examples, from 0; null for one that is not
// finite. "std" is over prompts; "low" and "high" bound the 90% bootstrap interval of the mean.
// eval/<setting>.csv has the columns curve,n,mean,std,low,high.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "icl/evaluation/baselines.h"
#include "icl/runs/provenance.h"
#include "icl/tasks/function_class.h"

namespace icl {

// Normalised errors by number of in-context examples, from 0; NaN where they are not finite.
struct Curve {
  std::string name;
  bool is_model = false;
  std::vector<double> mean;
  std::vector<double> std;  // over prompts, unbiased
  std::vector<double> low;  // 90% bootstrap interval of the mean
  std::vector<double> high;
};

struct EvalResult {
  Provenance from;
  nlohmann::ordered_json task;  // the config that the prompts were drawn from
  std::string setting;
  std::string description;
  int64_t n_points = 0;
  int64_t n_prompts = 0;
  uint64_t seed = 0;
  int64_t train_points = 0;  // 0: unknown
  int64_t train_dims = 0;    // 0: unknown
  std::string metric;
  Normaliser normaliser;
  std::vector<LeftOut> left_out;
  std::string settings_key;
  std::vector<Curve> curves;  // the model first

  nlohmann::ordered_json to_json() const;
  std::string csv() const;
  // `name` says in messages where the JSON is from. Throws DataError that names the key.
  static EvalResult from_json(const nlohmann::ordered_json& json, const std::string& name);
  static EvalResult read(const std::filesystem::path& file);
};

// A table for people: mean and interval of each curve at selected numbers of in-context examples,
// and what is not finite.
std::string table_text(const EvalResult& result);
// One line: error after `n` in-context examples, the model beside the baselines.
std::string line_text(const EvalResult& result, int64_t n);

}  // namespace icl
