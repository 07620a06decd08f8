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

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "icl/language/language_model.h"
#include "icl/language/prompts.h"
#include "icl/language/results.h"
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

// Of prompts, some of which share a context.
Accuracy accuracy_of(const std::vector<bool>& right, const std::vector<int64_t>& contexts);

// Throws DataError for a prompt with a token that the model has no row for.
ShotResults evaluate_shots(LanguageModel& model, const Tokenizer& tokenizer,
                           const ShotOptions& options);

// Groups: "all" tasks given, "paper" where they are more than the 18, and each category.
std::vector<GroupMeans> group_means(const std::vector<ShotResult>& results,
                                    const std::vector<int64_t>& shots);

}  // namespace icl
