// SPDX-License-Identifier: Apache-2.0
#include "icl/language/tasks.h"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "icl/base/error.h"
#include "icl/base/log.h"
#include "icl/base/text.h"
#include "icl/io/files.h"
#include "src/language/word_lists.h"

namespace icl {
namespace {

namespace fs = std::filesystem;
using enum Comparison;

constexpr const char* kLower = "abcdefghijklmnopqrstuvwxyz";
constexpr const char* kUpper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr const char* kDigits = "0123456789";
constexpr double kSpaceShare = 0.7;

// The single characters of a task, with what each becomes.
std::vector<WordPair> characters(std::string_view inputs, std::string_view outputs) {
  std::vector<WordPair> pairs;
  for (size_t i = 0; i < inputs.size(); ++i) {
    pairs.push_back({std::string(1, inputs[i]), std::string(1, outputs[i])});
  }
  return pairs;
}

std::optional<std::vector<WordPair>> character_task(const std::string& name) {
  const std::string_view lower = kLower;
  if (name == "next_letter") return characters(lower.substr(0, 25), lower.substr(1));
  if (name == "prev_letter") return characters(lower.substr(1), lower.substr(0, 25));
  if (name == "to_upper") return characters(kLower, kUpper);
  if (name == "to_lower") return characters(kUpper, kLower);
  if (name == "char_to_int") return characters(lower.substr(0, 9), "123456789");
  if (name == "int_to_char") return characters("123456789", lower.substr(0, 9));
  return std::nullopt;
}

std::optional<ListInputs> list_task(const std::string& name) {
  if (name == "list_first" || name == "list_last") return ListInputs{kLower, 2, 4};
  if (name == "list_min" || name == "list_max") return ListInputs{kDigits, 2, 4};
  if (name == "list_length") return ListInputs{kLower, 1, 3};
  return std::nullopt;
}

std::string list_output(std::string_view name, const std::string& elements) {
  if (name == "list_first") return elements.substr(0, 1);
  if (name == "list_last") return elements.substr(elements.size() - 1);
  if (name == "list_min") return std::string(1, *std::ranges::min_element(elements));
  if (name == "list_max") return std::string(1, *std::ranges::max_element(elements));
  return std::to_string(elements.size());
}

// The file of a mapping task in the published layout or beside its siblings; "" for none.
fs::path file_of(const LanguageTaskInfo& info, const fs::path& data_dir) {
  const std::string file = std::string(info.name) + ".json";
  for (const fs::path& path : {data_dir / info.category / file, data_dir / file}) {
    if (fs::is_regular_file(path)) return path;
  }
  return {};
}

std::vector<WordPair> read_pairs(const fs::path& path) {
  const auto json =
      nlohmann::ordered_json::parse(read_file(path), nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) throw DataError(str("'", path.string(), "' is not JSON in UTF-8"));
  if (!json.is_object()) {
    throw DataError(str("'", path.string(), "': is of JSON type ", json.type_name(),
                        ", expected an object of inputs to outputs"));
  }
  std::vector<WordPair> pairs;
  for (const auto& [input, output] : json.items()) {
    if (!output.is_string()) {
      throw DataError(str("'", path.string(), "': the output of \"", input, "\" is ",
                          output.type_name(), ", expected a string"));
    }
    pairs.push_back({input, output.get<std::string>()});
  }
  return pairs;
}

}  // namespace

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

LanguageTask::LanguageTask(LanguageTaskInfo info, std::vector<WordPair> pairs, std::string source)
    : info_(info),
      pairs_(std::move(pairs)),
      source_(std::move(source)),
      n_items_(static_cast<int64_t>(pairs_.size())) {}

LanguageTask::LanguageTask(LanguageTaskInfo info, ListInputs lists)
    : info_(info), lists_(lists), source_("generated") {
  const auto n_letters = static_cast<int64_t>(std::string_view(lists.alphabet).size());
  int64_t of_length = 1;
  for (int64_t length = 1; length <= lists.longest; ++length) {
    of_length *= n_letters;
    if (length >= lists.shortest) n_items_ += of_length;
  }
}

std::vector<WordPair> LanguageTask::draw(const RandomStream& stream, int64_t count) const {
  ICL_ASSERT(count >= 0 && count <= n_items_, count, " of ", n_items_, " items of ", info_.name);
  if (lists_) return draw_lists(stream, count);
  std::vector<WordPair> items;
  if (count == 0) return items;
  const at::Tensor order = stream.child("items").permutations(1, n_items_);
  const auto* places = order.data_ptr<int64_t>();
  for (int64_t i = 0; i < count; ++i) items.push_back(pairs_[static_cast<size_t>(places[i])]);
  return items;
}

// Repeats are passed over, so the candidates are as many as it takes: twice as many until enough.
std::vector<WordPair> LanguageTask::draw_lists(const RandomStream& stream, int64_t count) const {
  const std::string_view alphabet = lists_->alphabet;
  const int64_t longest = lists_->longest;
  for (int64_t candidates = 2 * count + 8;; candidates *= 2) {
    const at::Tensor lengths =
        stream.child("lengths").integers({candidates}, longest - lists_->shortest + 1);
    const at::Tensor letters = stream.child("letters").integers(
        {candidates, longest}, static_cast<int64_t>(alphabet.size()));
    const auto* length = lengths.data_ptr<int64_t>();
    const auto* letter = letters.data_ptr<int64_t>();
    std::vector<WordPair> items;
    std::unordered_set<std::string> seen;
    for (int64_t i = 0; i < candidates && static_cast<int64_t>(items.size()) < count; ++i) {
      std::string elements;
      for (int64_t j = 0; j < length[i] + lists_->shortest; ++j) {
        elements += alphabet[static_cast<size_t>(letter[i * longest + j])];
      }
      if (!seen.insert(elements).second) continue;
      std::string input;
      for (const char element : elements)
        input += (input.empty() ? "" : ",") + std::string(1, element);
      items.push_back({input, list_output(info_.name, elements)});
    }
    if (static_cast<int64_t>(items.size()) == count) return items;
  }
}

FilteredPairs single_token_pairs(const std::vector<WordPair>& pairs, const Tokenizer& tokenizer) {
  std::vector<WordPair> bare, spaced;
  const auto single = [&](const std::string& output) {
    return tokenizer.encode("!" + output).size() == 2;
  };
  for (const WordPair& pair : pairs) {
    if (single(pair.output)) bare.push_back(pair);
    if (single(" " + pair.output)) spaced.push_back({" " + pair.input, " " + pair.output});
  }
  FilteredPairs filtered;
  filtered.kept_with_space = static_cast<int64_t>(spaced.size());
  filtered.kept_bare = static_cast<int64_t>(bare.size());
  filtered.leading_space =
      static_cast<double>(spaced.size()) >= kSpaceShare * static_cast<double>(bare.size());
  filtered.pairs = filtered.leading_space ? std::move(spaced) : std::move(bare);
  return filtered;
}

LanguageTask generated_language_task(const LanguageTaskInfo& info) {
  if (const auto lists = list_task(info.name)) return {info, *lists};
  auto pairs = character_task(info.name);
  ICL_ASSERT(pairs.has_value(), info.name, " is not generated");
  return {info, std::move(*pairs), "generated"};
}

LanguageTask load_language_task(const LanguageTaskInfo& info, const Tokenizer& tokenizer,
                                const fs::path& data_dir) {
  if (info.generated()) return generated_language_task(info);
  if (!data_dir.empty() && !fs::is_directory(data_dir)) {
    throw DataError(str("--data-dir '", data_dir.string(), "': there is no such folder"));
  }
  std::string source = "built-in word list";
  std::vector<WordPair> pairs;
  const fs::path file = data_dir.empty() ? fs::path() : file_of(info, data_dir);
  if (!file.empty()) {
    pairs = read_pairs(file);
    source = file.string();
  } else {
    pairs = built_in_pairs(info.name);
    if (!data_dir.empty()) {
      log_warning(str("'", data_dir.string(), "' has neither ", info.category, "/", info.name,
                      ".json nor ", info.name, ".json: using the built-in word list"));
    }
  }
  // Knowledge tasks judge by prefixes, so that answers of several tokens are welcome.
  if (info.comparison != kPrefix) pairs = single_token_pairs(pairs, tokenizer).pairs;
  return {info, std::move(pairs), std::move(source)};
}

}  // namespace icl
