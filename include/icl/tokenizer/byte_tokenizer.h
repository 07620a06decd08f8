// SPDX-License-Identifier: Apache-2.0
//
// The tokenizer of the language models that icl-train makes: 256 tokens, the id of each its byte.
//
//   write_file_atomically(folder / "tokenizer.json", byte_tokenizer_json());
//   load_tokenizer(folder)->encode("az");   // {97, 122}
#pragma once

#include <cstdint>
#include <string>

namespace icl {

inline constexpr int64_t kByteTokens = 256;

// A tokenizer.json of the Hugging Face form: byte-level BPE without merges.
std::string byte_tokenizer_json();

}  // namespace icl
