// SPDX-License-Identifier: Apache-2.0
//
// How well a language model does the simple tasks with so many demonstrations.
//
//   const LoadedModel loaded = load_language_model("models/mamba-130m");
//   const auto tokenizer = load_tokenizer(*loaded.tokenizer);
//   ShotOptions options{.tasks = expand_language_tasks({"paper"}), .shots = {0, 5}};
//   const ShotResults results = evaluate_shots(*loaded.model, *tokenizer, options);
//   std::puts(shots_table(results).c_str());                       // icl/language/results.h
//
// A prediction is one greedy token, decoded. Only logits of last positions are computed. Prompts of
// similar length share a batch, padded on the right: the models are causal, so that no padding
// enters a state. A prompt longer than the model's context is counted, not cut.
#pragma once

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "icl/language/language_model.h"
#include "icl/language/prompts.h"
#include "icl/language/scoring.h"
#include "icl/language/tasks.h"
#include "icl/tokenizer/tokenizer.h"

namespace icl {

struct ShotOptions {
  std::vector<LanguageTaskInfo> tasks;
  std::vector<int64_t> shots = {5};
  int64_t n_prompts = 400;  // of each task and shot count
  uint64_t seed = 0;
  std::filesystem::path data_dir;  // empty: built-in word lists
  Synonyms synonyms;
  int64_t batch_size = 32;
  // Queries that have the same demonstrations; 0: each has its own, as published. Their context is
  // then read once (unless !reuse_state) and its state continued by each query.
  int64_t queries_per_context = 0;
  bool reuse_state = true;
  // Also task vectors from every shot count (icl/language/task_vectors.h); adds zero shots.
  bool task_vectors = false;
  int64_t development_prompts = 50;
  bool keep_samples = false;
  // Of prompts answered; returning false stops the work, with what is finished as the result.
  std::function<bool(int64_t done, int64_t total, const std::string& what)> progress;
};

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
Accuracy accuracy_of(const std::vector<bool>& right, const std::vector<int64_t>& contexts);

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

// Throws DataError when the tokenizer has ids that the model lacks.
ShotResults evaluate_shots(LanguageModel& model, const Tokenizer& tokenizer,
                           const ShotOptions& options);

// Groups: "all" tasks given, "paper" where they are more than the 18, and each category.
std::vector<GroupMeans> group_means(const std::vector<ShotResult>& results,
                                    const std::vector<int64_t>& shots);

}  // namespace icl
