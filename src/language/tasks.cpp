// SPDX-License-Identifier: Apache-2.0
#include "icl/language/tasks.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "icl/base/error.h"
#include "icl/base/log.h"
#include "icl/base/text.h"
#include "icl/io/json.h"
#include "src/language/word_lists.h"

namespace icl {
namespace {

namespace fs = std::filesystem;
using enum Comparison;

constexpr double kSpaceShare = 0.7;

// The file of a mapping task: in the published layout, or in the folder itself; "" if there is
// none.
fs::path file_of(const LanguageTaskInfo& info, const fs::path& data_dir) {
  const std::string file = std::string(info.name) + ".json";
  for (const fs::path& path : {data_dir / info.category / file, data_dir / file}) {
    if (fs::is_regular_file(path)) return path;
  }
  return {};
}

std::vector<WordPair> read_pairs(const fs::path& path) {
  const nlohmann::ordered_json json = read_json(path);
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

LanguageTask::LanguageTask(LanguageTaskInfo info, WordItems items, std::string source)
    : info_(info), items_(std::move(items)), source_(std::move(source)) {}

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
  return {info, algorithmic_items(info.name), "generated"};
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
  // Knowledge tasks compare prefixes, so that their answers may have several tokens.
  if (info.comparison != kPrefix) pairs = single_token_pairs(pairs, tokenizer).pairs;
  return {info, WordItems(std::move(pairs)), std::move(source)};
}

}  // namespace icl
