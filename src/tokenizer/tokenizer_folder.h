// SPDX-License-Identifier: Apache-2.0
//
// The tokenizer files of a model's folder, brought together in one tokenizer.json:
//
//   tokenizer.json, or vocab.json and merges.txt (GPT-2's older form);
//   tokenizer_config.json, added_tokens.json, special_tokens_map.json: further tokens, and whether
//   a space goes before the text.
//
// Ids and flags come out as in transformers 5.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>

namespace icl::tokenizer {

// `main`: the folder's tokenizer.json or vocab.json. Throws DataError that names the file.
nlohmann::json read_tokenizer_folder(const std::filesystem::path& main);

}  // namespace icl::tokenizer
