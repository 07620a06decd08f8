// SPDX-License-Identifier: Apache-2.0
#include "icl/tokenizer/tokenizer.h"
#include "icl/base/error.h"
#include "src/tokenizer/formats.h"

namespace icl {

std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    const std::filesystem::path inside = path / "tokenizer.json";
    if (!std::filesystem::exists(inside, ignored)) {
      throw DataError(str("'", path.string(), "': the folder holds no tokenizer.json"));
    }
    return tokenizer::load_json_tokenizer(inside);
  }
  if (path.extension() == ".txt") return tokenizer::load_world_tokenizer(path);
  return tokenizer::load_json_tokenizer(path);
}

}  // namespace icl
