// SPDX-License-Identifier: Apache-2.0
#include "icl/language/scoring.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "icl/base/error.h"
#include "icl/io/json.h"

namespace icl {
namespace {

using Json = nlohmann::ordered_json;

// What Python's str.strip() takes: Unicode's white space and the separators U+001C .. U+001F.
constexpr std::array<std::string_view, 29> kSpaces = {
    " ",      "\t",     "\n",     "\v",     "\f",     "\r",     "\x1c",   "\x1d",
    "\x1e",   "\x1f",   "\u0085", "\u00a0", "\u1680", "\u2000", "\u2001", "\u2002",
    "\u2003", "\u2004", "\u2005", "\u2006", "\u2007", "\u2008", "\u2009", "\u200a",
    "\u2028", "\u2029", "\u202f", "\u205f", "\u3000"};

std::string_view stripped(std::string_view text) {
  const auto strip = [&](auto matches, auto remove) {
    const auto space = std::find_if(kSpaces.begin(), kSpaces.end(), matches);
    if (space != kSpaces.end()) remove(space->size());
    return space != kSpaces.end();
  };
  while (strip([&](std::string_view space) { return text.starts_with(space); },
               [&](size_t size) { text.remove_prefix(size); })) {
  }
  while (strip([&](std::string_view space) { return text.ends_with(space); },
               [&](size_t size) { text.remove_suffix(size); })) {
  }
  return text;
}

std::set<std::string> texts_of(const Json& list, const std::string& where) {
  std::set<std::string> texts;
  if (list.is_array()) {
    for (const Json& text : list) {
      if (text.is_string()) texts.insert(text.get<std::string>());
    }
  }
  if (!list.is_array() || texts.empty() != list.empty()) {
    throw DataError(where + ": expected a list of words");
  }
  return texts;
}

}  // namespace

std::string answer_in(std::string_view generated) {
  return std::string(stripped(generated.substr(0, generated.find('\n'))));
}

Synonyms Synonyms::load(const std::filesystem::path& file) {
  const std::string where = "'" + file.string() + "'";
  const Json json = read_json(file);
  if (!json.is_object()) throw DataError(where + ": expected a JSON object of words");
  Synonyms synonyms;
  for (const auto& [key, value] : json.items()) {
    if (!value.is_object()) {
      synonyms.words_[""][key] = texts_of(value, str(where, ": \"", key, "\""));
      continue;
    }
    for (const auto& [word, list] : value.items()) {
      synonyms.words_[key][word] = texts_of(list, str(where, ": \"", key, "\".\"", word, "\""));
    }
  }
  return synonyms;
}

std::set<std::string> Synonyms::set_of(const std::string& word, const std::string& language) const {
  std::set<std::string> set = {word};
  for (const std::string& scope : {std::string(), language}) {
    const auto words = words_.find(scope);
    if (words == words_.end()) continue;
    const auto found = words->second.find(word);
    if (found != words->second.end()) set.insert(found->second.begin(), found->second.end());
  }
  return set;
}

bool Synonyms::share(const std::string& a, const std::string& b,
                     const std::string& language) const {
  const std::set<std::string> first = set_of(a, language);
  const std::set<std::string> second = set_of(b, language);
  return std::any_of(first.begin(), first.end(),
                     [&](const std::string& word) { return second.count(word) != 0; });
}

bool is_right(Comparison comparison, std::string_view prediction, std::string_view answer,
              const Synonyms& synonyms, const std::string& language) {
  prediction = stripped(prediction);
  answer = stripped(answer);
  switch (comparison) {
    case Comparison::kExact:
      return prediction == answer;
    case Comparison::kPrefix:
      return !prediction.empty() && !answer.empty() &&
             (prediction.starts_with(answer) || answer.starts_with(prediction));
    case Comparison::kSynonyms:
      return synonyms.share(std::string(prediction), std::string(answer), language);
  }
  return false;
}

std::string output_language(const LanguageTaskInfo& task) {
  const std::string_view name = task.name;
  if (std::string_view(task.category) != "translation") return "";
  return std::string(name.substr(name.find('_') + 1));
}

}  // namespace icl
