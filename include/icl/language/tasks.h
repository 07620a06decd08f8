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
#include "icl/tokenizer/tokenizer.h"

namespace icl {

// One demonstration, or a query with its answer. A leading space belongs to the text.
struct WordPair {
  std::string input;
  std::string output;

  bool operator==(const WordPair&) const = default;
};

// When a prediction counts (icl/language/scoring.h).
enum class Comparison {
  kExact,
  kPrefix,    // either begins with the other
  kSynonyms,  // they share a synonym; exact where none are given
};

struct LanguageTaskInfo {
  const char* name;      // "next_letter", "country_capital", "en_fr"
  const char* category;  // "algorithmic", "knowledge", "linguistic" or "translation"
  bool in_paper;         // one of the 18
  Comparison comparison;
  const char* summary;

  bool generated() const;
};

// Reading the table in src/language/tasks.cpp is reading the tasks.
const std::vector<LanguageTaskInfo>& all_language_tasks();

// Also takes the published long form, "algorithmic_next_letter". Throws UsageError with the nearest
// name.
const LanguageTaskInfo& language_task_info(const std::string& name);

// `names`: tasks, categories, "paper" (the 18) or "all" (the 27); each task once, in the order of
// the table. Throws UsageError.
std::vector<LanguageTaskInfo> expand_language_tasks(const std::vector<std::string>& names);

// Lists of characters, such as "c,a,d": the length uniform in [shortest, longest], each element
// uniform in the alphabet, with replacement.
struct ListInputs {
  const char* alphabet;
  int64_t shortest;
  int64_t longest;
};

class LanguageTask {
 public:
  LanguageTask(LanguageTaskInfo info, std::vector<WordPair> pairs, std::string source);
  LanguageTask(LanguageTaskInfo info, ListInputs lists);

  const LanguageTaskInfo& info() const { return info_; }
  // "generated", "built-in word list" or the file's path.
  const std::string& source() const { return source_; }
  // Distinct inputs that can be drawn.
  int64_t n_items() const { return n_items_; }
  // The items, but for list tasks, whose items are too many.
  const std::vector<WordPair>& pairs() const { return pairs_; }

  // `count` items with distinct inputs, a pure function of the stream; a longer draw begins with
  // the shorter one. At most n_items().
  std::vector<WordPair> draw(const RandomStream& stream, int64_t count) const;

 private:
  std::vector<WordPair> draw_lists(const RandomStream& stream, int64_t count) const;

  LanguageTaskInfo info_;
  std::vector<WordPair> pairs_;
  std::optional<ListInputs> lists_;
  std::string source_;
  int64_t n_items_ = 0;
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
