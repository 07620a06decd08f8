// SPDX-License-Identifier: Apache-2.0
//
// Tokenizers behind load_tokenizer, one for each kind of file.
#pragma once

#include <filesystem>
#include <memory>

#include "icl/tokenizer/tokenizer.h"

namespace icl::tokenizer {

// A tokenizer.json of the Hugging Face tokenizers library.
std::unique_ptr<Tokenizer> load_json_tokenizer(const std::filesystem::path& path);

// A world vocabulary of RWKV: lines of `id literal length`, the literal a Python string or bytes;
// the longest token that a text goes on with is taken. Id 0 ends a text.
std::unique_ptr<Tokenizer> load_world_tokenizer(const std::filesystem::path& path);

}  // namespace icl::tokenizer
