// SPDX-License-Identifier: Apache-2.0
//
// Simple tasks for language models, each a mapping from one word to another (Hendel et al. 2023;
// Grazzi et al. 2024, section 5): 27 of them, of which the paper evaluates 18.
//
//   const LanguageTask task = load_language_task(language_task_info("next_letter"), *tokenizer);
//   const std::vector<WordPair> items = task.draw(RandomStream(1, "prompts"), /*count=*/6);
//
// Algorithmic tasks are generated. The others come from a folder in the published layout,
// <folder>/<category>/<name>.json or <folder>/<name>.json, each one JSON object of inputs to
// outputs; without it, from small word lists of our own.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "icl/base/random.h"
#include "icl/language/task_info.h"
#include "icl/tasks/word_items.h"
#include "icl/tokenizer/tokenizer.h"

namespace icl {

class LanguageTask {
 public:
  LanguageTask(LanguageTaskInfo info, WordItems items, std::string source);

  const LanguageTaskInfo& info() const { return info_; }
  // "generated", "built-in word list" or the file's path.
  const std::string& source() const { return source_; }
  // See WordItems.
  int64_t n_items() const { return items_.n_items(); }
  const std::vector<WordPair>& pairs() const { return items_.pairs(); }
  std::vector<WordPair> draw(const RandomStream& stream, int64_t count) const {
    return items_.draw(stream, count);
  }

 private:
  LanguageTaskInfo info_;
  WordItems items_;
  std::string source_;
};

// The published filter of mapping tasks other than knowledge: items whose output is one token, that
// is for which "!" + output has two; all of them with a space in front of input and output, if that
// keeps at least 0.7 times as many as without.
struct FilteredPairs {
  std::vector<WordPair> pairs;
  bool leading_space = false;
  int64_t kept_with_space = 0;
  int64_t kept_bare = 0;
};
FilteredPairs single_token_pairs(const std::vector<WordPair>& pairs, const Tokenizer& tokenizer);

// One of the algorithmic tasks.
LanguageTask generated_language_task(const LanguageTaskInfo& info);

// `data_dir` empty: the built-in lists. A folder that lacks a task's file falls back on them, with
// a warning. Throws DataError for a file that is not one object of texts.
LanguageTask load_language_task(const LanguageTaskInfo& info, const Tokenizer& tokenizer,
                                const std::filesystem::path& data_dir = {});

}  // namespace icl
