// SPDX-License-Identifier: Apache-2.0
//
// The results of icl-nlp eval: their types, and how programs and people read them.
//
//   const LanguageEvaluation evaluation{facts, results};
//   write_file_atomically("pythia.json", evaluation.to_json().dump(1) + "\n");
//   const auto json = read_json<nlohmann::json>("pythia.json");
//   const auto again = LanguageEvaluation::from_json(json, "'pythia.json'");
//   std::fputs(shots_table(again.results).c_str(), stdout);
//
// The file (schema "icl.nlp", version 1; numbers that do not exist are null):
//
//   {"schema": "icl.nlp", "version": 1, "complete": true,
//    "model": {"name": "pythia-160m", "path": "models/pythia-160m", "family": "gpt_neox",
//              "dtype": "float32", "parameters": 162322944, "context_length": 2048},
//    "tokenizer": "models/pythia-160m/tokenizer.json", "data_dir": null, "synonyms": null,
//    "seed": 0, "n_prompts": 400, "queries_per_context": 0, "shots": [0, 5],
//    "results": [{"task": "to_upper", "category": "algorithmic", "in_paper": true, "shots": 5,
//                 "accuracy": 0.97, "stderr": 0.01, "n_prompts": 400, "overflow": 0,
//                 "n_items": 26, "source": "generated", "skipped": null}],
//    "means": [{"shots": 5, "fixed_set": {"accuracy": 0.97, "stderr": 0.01, "tasks": ["to_upper"]},
//               "available": {...}}],
//    "groups": [{"group": "algorithmic", "shots": 5, "fixed_set": {...}, "available": {...}}],
//    "task_vectors": [{"task": "to_upper", "category": "algorithmic", "shots": 5, "accuracy": 0.8,
//                      "stderr": 0.02, "n_prompts": 400, "layer": 3,
//                      "development_accuracy_by_layer": [0.1, ...], "skipped": null}]}
//
// "means" are over all tasks that were asked for; "task_vectors" is there if they were asked for.
#pragma once

#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "icl/language/task_info.h"

namespace icl {

// One prompt.
struct ShotSample {
  int64_t index = 0;
  std::string prompt, answer, prediction;
  bool right = false;
};

// Accuracy over prompts. Standard error: of a mean of independent contexts.
struct Accuracy {
  int64_t n_prompts = 0;
  double value = NAN;
  double standard_error = NAN;
};

// A task at a shot count.
struct ShotResult {
  LanguageTaskInfo task;
  int64_t shots = 0;
  int64_t n_items = 0;   // that the task has, under this tokenizer
  std::string source;    // of the items
  std::string skipped;   // why there is no accuracy, with numbers; "" if there is one
  int64_t overflow = 0;  // prompts longer than the model's context, which count in no accuracy
  Accuracy accuracy;     // over the others
  std::vector<ShotSample> samples;

  // Whether every prompt was answered: only then does the task enter means over tasks.
  bool whole() const { return skipped.empty() && overflow == 0; }
};

struct TaskVectorResult {
  LanguageTaskInfo task;
  int64_t shots = 0;
  std::string skipped;
  int64_t layer = -1;                    // best on the development prompts, from 0
  std::vector<double> layer_accuracies;  // on the development prompts
  Accuracy accuracy;                     // at that layer, on the test prompts
};

// Mean over tasks at a shot count, the tasks being given: the error is that of their prompts.
struct TaskMean {
  std::vector<std::string> tasks;
  double accuracy = NAN;
  double standard_error = NAN;
};
struct GroupMeans {
  std::string group;  // "all", "paper" or a category
  int64_t shots = 0;
  TaskMean fixed;      // tasks that are whole at every shot count
  TaskMean available;  // tasks that are whole at this one
};

struct ShotResults {
  std::vector<int64_t> shots;
  std::vector<ShotResult> results;  // by task, then shots
  std::vector<GroupMeans> means;    // group "all" first, by shots; then the other groups
  std::vector<TaskVectorResult> task_vectors;
  bool complete = true;
};

// Where results come from.
struct LanguageFacts {
  std::string name;  // of the model: the folder's
  std::string path, family;
  std::string dtype = "float32";  // of the model's matrices
  std::string tokenizer, data_dir, synonyms;
  int64_t parameters = 0;
  int64_t context_length = 0;  // 0: any
  int64_t n_prompts = 0;
  int64_t queries_per_context = 0;
  uint64_t seed = 0;
};

// What a result file holds: all but the samples.
struct LanguageEvaluation {
  LanguageFacts facts;
  ShotResults results;

  nlohmann::ordered_json to_json() const;
  // Throws DataError naming `name` and the key for a file of another schema or version, and for
  // values that are missing or of another type.
  static LanguageEvaluation from_json(const nlohmann::json& json, const std::string& name);
};

// Columns kind (task, mean_fixed, mean_available, task_vector), name, category, shots, accuracy,
// stderr, prompts, note.
std::string shots_csv(const ShotResults& results);
// A Markdown table, tasks by shot counts, with notes below on what is missing and why.
std::string shots_table(const ShotResults& results);
// One JSON object a line.
std::string samples_text(const ShotResults& results);

}  // namespace icl
