// SPDX-License-Identifier: Apache-2.0
//
// The "model" of a tokenizer.json: byte pair encoding (Sennrich et al. 2016, "Neural Machine
// Translation of Rare Words with Subword Units"). A word starts as single characters; of all
// neighbours the pair of the lowest rank is merged, the leftmost of equals, until none has a rank.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "src/tokenizer/json_place.h"
#include "src/tokenizer/merge_table.h"
#include "src/tokenizer/word_cache.h"

namespace icl::tokenizer {

struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};
using Vocabulary = std::unordered_map<std::string, int32_t, TextHash, std::equal_to<>>;

constexpr int32_t kMostTokens = 16'777'216;

class Bpe {
 public:
  // `bytes`: words are bytes, looked up in the alphabet of bytes; otherwise they are UTF-8.
  Bpe(const JsonPlace& model, bool bytes);

  // Appends the ids of one word. Throws DataError for a character without a token when the file
  // names an unknown token that is none.
  void encode(std::string_view word, WordCache& cache, std::vector<int64_t>& ids) const;

  const Vocabulary& vocabulary() const { return vocabulary_; }

 private:
  void read_vocabulary(const JsonPlace& vocab);
  void read_merges(const JsonPlace& merges);
  void read_characters();
  void encode_chunk(std::string_view word, WordCache& cache, std::vector<int64_t>& ids) const;
  void symbols_of(std::string_view word, std::vector<int32_t>& symbols) const;
  // The symbols of a character that has no token.
  void unknown_character(const std::string& character, int& unknown,
                         std::vector<int32_t>& symbols) const;
  void flush_unknown(int& unknown, std::vector<int32_t>& symbols) const;
  int32_t token_of(char32_t character) const;
  size_t chunk_end(std::string_view word, size_t begin) const;

  std::string file_;
  bool bytes_;
  bool byte_fallback_ = false, fuse_unknown_ = false, ignore_merges_ = false;
  std::string unknown_token_;
  Vocabulary vocabulary_;
  MergeTable merges_;
  std::array<int32_t, 256> byte_tokens_{};  // of each byte, when words are bytes
  std::array<int32_t, 128> ascii_tokens_{};
  std::unordered_map<char32_t, int32_t> character_tokens_;
  // Characters after which a token may go on with "▁"; everywhere else a word can be cut before
  // "▁" without a change of the result.
  std::unordered_set<char32_t> continues_with_space_;
};

}  // namespace icl::tokenizer
