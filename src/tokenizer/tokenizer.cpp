// SPDX-License-Identifier: Apache-2.0
#include "icl/tokenizer/tokenizer.h"

#include <algorithm>
#include <vector>

#include "icl/base/error.h"
#include "icl/base/text.h"
#include "src/tokenizer/json_tokenizer.h"
#include "src/tokenizer/tokenizer_folder.h"
#include "src/tokenizer/world_vocabulary.h"

namespace icl {
namespace {

namespace fs = std::filesystem;

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

// World vocabularies of a folder, as their authors name them.
std::vector<fs::path> world_vocabularies(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder.empty() ? "." : folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("rwkv_vocab") && name.ends_with(".txt")) found.push_back(entry.path());
  }
  if (found.empty() && is_there(folder / "vocab.txt")) found.push_back(folder / "vocab.txt");
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

std::optional<fs::path> find_tokenizer(const fs::path& folder) {
  if (is_there(folder / "tokenizer.json")) return folder / "tokenizer.json";
  if (is_there(folder / "vocab.json") && is_there(folder / "merges.txt"))
    return folder / "vocab.json";
  const std::vector<fs::path> vocabularies = world_vocabularies(folder);
  if (vocabularies.size() != 1) return std::nullopt;
  return vocabularies.front();
}

std::unique_ptr<Tokenizer> load_tokenizer(const fs::path& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    const std::optional<fs::path> file = find_tokenizer(path);
    if (file) return load_tokenizer(*file);
    std::vector<std::string> names;
    for (const fs::path& several : world_vocabularies(path)) {
      names.push_back(several.filename().string());
    }
    if (!names.empty()) {
      throw DataError(str("'", path.string(), "': the folder holds ", names.size(),
                          " RWKV vocabularies; name one of them: ", join(names)));
    }
    throw DataError(str("'", path.string(),
                        "': the folder holds no tokenizer: neither tokenizer.json, nor vocab.json "
                        "and merges.txt, nor an RWKV vocabulary (rwkv_vocab*.txt)"));
  }
  if (path.extension() == ".txt") return tokenizer::load_world_vocabulary(path);
  const bool of_folder = path.filename() == "tokenizer.json" || path.filename() == "vocab.json";
  const nlohmann::json document =
      of_folder ? tokenizer::read_tokenizer_folder(path) : tokenizer::read_json(path);
  return tokenizer::make_json_tokenizer({document, path.string()});
}

}  // namespace icl
