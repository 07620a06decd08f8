// SPDX-License-Identifier: Apache-2.0
#include "icl/tokenizer/byte_tokenizer.h"

#include <nlohmann/json.hpp>

#include "src/tokenizer/unicode.h"

namespace icl {

std::string byte_tokenizer_json() {
  using Json = nlohmann::ordered_json;
  const Json byte_level = {{"type", "ByteLevel"},
                           {"add_prefix_space", false},
                           {"trim_offsets", true},
                           {"use_regex", false}};
  Json vocabulary = Json::object();
  for (int64_t byte = 0; byte < kByteTokens; ++byte) {
    vocabulary[tokenizer::alphabet_of_bytes(std::string(1, static_cast<char>(byte)))] = byte;
  }
  const Json tokenizer = {{"version", "1.0"},
                          {"truncation", nullptr},
                          {"padding", nullptr},
                          {"added_tokens", Json::array()},
                          {"normalizer", nullptr},
                          {"pre_tokenizer", byte_level},
                          {"post_processor", nullptr},
                          {"decoder", byte_level},
                          {"model",
                           {{"type", "BPE"},
                            {"dropout", nullptr},
                            {"unk_token", nullptr},
                            {"continuing_subword_prefix", nullptr},
                            {"end_of_word_suffix", nullptr},
                            {"fuse_unk", false},
                            {"byte_fallback", false},
                            {"vocab", vocabulary},
                            {"merges", Json::array()}}}};
  return tokenizer.dump(1) + "\n";
}

}  // namespace icl
