// SPDX-License-Identifier: Apache-2.0
#include "icl/language/task_info.h"

#include <string_view>
#include <unordered_set>

#include "icl/base/error.h"
#include "icl/base/text.h"

namespace icl {

using enum Comparison;

const std::vector<LanguageTaskInfo>& all_language_tasks() {
  // clang-format off
  static const std::vector<LanguageTaskInfo> tasks = {
      // name, category, in the paper, comparison, summary
      {"next_letter", "algorithmic", true, kExact, "the letter after a .. y"},
      {"prev_letter", "algorithmic", true, kExact, "the letter before b .. z"},
      {"list_first", "algorithmic", true, kExact, "the first of 2 to 4 letters"},
      {"list_last", "algorithmic", true, kExact, "the last of 2 to 4 letters"},
      {"list_min", "algorithmic", false, kExact, "the smallest of 2 to 4 digits"},
      {"list_max", "algorithmic", false, kExact, "the largest of 2 to 4 digits"},
      {"list_length", "algorithmic", false, kExact, "how many letters, 1 to 3"},
      {"to_upper", "algorithmic", true, kExact, "a letter in upper case"},
      {"to_lower", "algorithmic", true, kExact, "a letter in lower case"},
      {"char_to_int", "algorithmic", false, kExact, "a .. i as 1 .. 9"},
      {"int_to_char", "algorithmic", false, kExact, "1 .. 9 as a .. i"},
      {"fr_en", "translation", true, kSynonyms, "French to English"},
      {"it_en", "translation", false, kSynonyms, "Italian to English"},
      {"es_en", "translation", true, kSynonyms, "Spanish to English"},
      {"en_fr", "translation", true, kSynonyms, "English to French"},
      {"en_it", "translation", false, kSynonyms, "English to Italian"},
      {"en_es", "translation", true, kSynonyms, "English to Spanish"},
      {"present_simple_gerund", "linguistic", true, kExact, "go to going"},
      {"present_simple_past_simple", "linguistic", true, kExact, "go to went"},
      {"present_simple_past_perfect", "linguistic", false, kExact, "go to gone"},
      {"singular_plural", "linguistic", false, kExact, "child to children"},
      {"plural_singular", "linguistic", true, kExact, "children to child"},
      {"antonyms", "linguistic", true, kExact, "hot to cold"},
      {"country_capital", "knowledge", true, kPrefix, "France to Paris"},
      {"person_language", "knowledge", true, kPrefix, "a person's mother tongue"},
      {"location_continent", "knowledge", true, kPrefix, "a place's continent"},
      {"location_religion", "knowledge", true, kPrefix, "a place's religion"},
  };
  // clang-format on
  return tasks;
}

bool LanguageTaskInfo::generated() const {
  return std::string_view(category) == "algorithmic";
}

const LanguageTaskInfo& language_task_info(const std::string& name) {
  std::vector<std::string> names = {"all", "paper"};
  for (const LanguageTaskInfo& task : all_language_tasks()) {
    if (name == task.name || name == str(task.category, "_", task.name)) return task;
    names.emplace_back(task.name);
  }
  throw UsageError(str("unknown task '", name, "'", did_you_mean(name, names),
                       " (known: ", join(names), "; or a category)"));
}

std::vector<LanguageTaskInfo> expand_language_tasks(const std::vector<std::string>& names) {
  std::unordered_set<std::string> wanted;
  for (const std::string& name : names) {
    bool group = false;
    for (const LanguageTaskInfo& task : all_language_tasks()) {
      const bool part =
          name == "all" || name == task.category || (name == "paper" && task.in_paper);
      if (part) wanted.insert(task.name);
      group = group || part;
    }
    if (!group) wanted.insert(language_task_info(name).name);
  }
  std::vector<LanguageTaskInfo> tasks;
  for (const LanguageTaskInfo& task : all_language_tasks()) {
    if (wanted.count(task.name) != 0) tasks.push_back(task);
  }
  if (tasks.empty()) throw UsageError("no task was named; expected all, paper or names");
  return tasks;
}

}  // namespace icl
