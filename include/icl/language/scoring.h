// SPDX-License-Identifier: Apache-2.0
//
// Prompts of the language tasks, and when a prediction is right (Hendel et al. 2023).
//
//   prompt_text({{"a", "b"}}, "c")                    // "example:a->b\nexample:c->"
//   is_right(Comparison::kPrefix, " Par", "Paris")    // true
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "icl/language/tasks.h"
#include "icl/tasks/word_items.h"

namespace icl {

// What a generated text says: up to its first newline, without white space at the ends.
std::string answer_in(std::string_view generated);

// Synonyms from a file of our own form: {"en": {"car": ["auto", "automobile"]}, "es": {...}}, by
// language, or {"car": [...]} for all languages. A word is a synonym of itself.
class Synonyms {
 public:
  Synonyms() = default;
  // Throws DataError naming the file and the key that is not of this form.
  static Synonyms load(const std::filesystem::path& file);

  bool empty() const { return words_.empty(); }
  // Whether a word stands in the sets of both: {a} and its synonyms, {b} and its synonyms.
  bool share(const std::string& a, const std::string& b, const std::string& language) const;

 private:
  std::set<std::string> set_of(const std::string& word, const std::string& language) const;
  std::map<std::string, std::map<std::string, std::set<std::string>>> words_;  // "" : any language
};

// Both texts are stripped first. kPrefix: both are non-empty and either begins with the other.
// kSynonyms: synonyms in `language` ("en"); equality where there are none.
bool is_right(Comparison comparison, std::string_view prediction, std::string_view answer,
              const Synonyms& synonyms = {}, const std::string& language = "");

// The language of a translation task's output: "en" for "fr_en"; "" for other tasks.
std::string output_language(const LanguageTaskInfo& task);

}  // namespace icl
