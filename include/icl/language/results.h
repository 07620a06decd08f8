// SPDX-License-Identifier: Apache-2.0
//
// The results of icl-nlp eval as people and programs read them.
//
//   write_file_atomically("pythia.json", shots_json(results, facts).dump(1) + "\n");
//   std::fputs(shots_table(results).c_str(), stdout);
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "icl/language/evaluation.h"

namespace icl {

// Where results come from.
struct LanguageFacts {
  std::string name;  // of the model: the folder's
  std::string path, family, tokenizer, data_dir, synonyms;
  int64_t parameters = 0;
  int64_t context_length = 0;
  int64_t n_prompts = 0;
  int64_t queries_per_context = 0;
  uint64_t seed = 0;
};

// Schema "icl.nlp", version 1; accuracies that do not exist are null.
nlohmann::ordered_json shots_json(const ShotResults& results, const LanguageFacts& facts);
// Columns kind (task, mean_fixed, mean_available, task_vector), name, category, shots, accuracy,
// stderr, prompts, note.
std::string shots_csv(const ShotResults& results);
// A Markdown table, tasks by shot counts, with notes below on what is missing and why.
std::string shots_table(const ShotResults& results);
// One JSON object a line.
std::string samples_text(const ShotResults& results);

}  // namespace icl
