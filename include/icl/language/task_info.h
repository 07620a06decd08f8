// SPDX-License-Identifier: Apache-2.0
//
// The table of the simple language tasks: 27, of which the paper evaluates 18.
//
//   for (const LanguageTaskInfo& task : expand_language_tasks({"paper"})) std::puts(task.name);
#pragma once

#include <string>
#include <vector>

namespace icl {

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

// In the order of every table of results.
const std::vector<LanguageTaskInfo>& all_language_tasks();

// Also takes the published long form, "algorithmic_next_letter". Throws UsageError with the nearest
// name.
const LanguageTaskInfo& language_task_info(const std::string& name);

// `names`: tasks, categories, "paper" (the 18) or "all" (the 27); each task once, in the order of
// the table. Throws UsageError.
std::vector<LanguageTaskInfo> expand_language_tasks(const std::vector<std::string>& names);

}  // namespace icl
