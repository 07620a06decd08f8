// SPDX-License-Identifier: Apache-2.0
//
// The "added_tokens" of a tokenizer.json: texts that are one token wherever they stand, found
// before anything else splits the text. The longest of those that begin leftmost counts.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "src/tokenizer/bpe.h"
#include "src/tokenizer/byte_trie.h"
#include "src/tokenizer/json_place.h"
#include "src/tokenizer/normalizer.h"

namespace icl::tokenizer {

struct AddedToken {
  int32_t id = 0;
  std::string content;
  bool special = false;
  bool normalized = false;   // found in normalized text; otherwise before normalization
  bool single_word = false;  // not inside a word
  bool lstrip = false;       // takes white space before it along
  bool rstrip = false;       // and after it
};

// Fails where an id and a content contradict each other or the vocabulary.
std::vector<AddedToken> read_added_tokens(const JsonPlace& places, const Vocabulary& vocabulary);

// Finds the normalized or the other half of the added tokens.
class AddedTokenFinder {
 public:
  // A token's id, or -1 and a stretch between tokens, which is not empty.
  using Emit = std::function<void(int32_t id, size_t begin, size_t end)>;

  AddedTokenFinder() = default;
  // `normalizer` (may be null) is applied to the contents of normalized tokens.
  AddedTokenFinder(const std::vector<AddedToken>& tokens, bool normalized,
                   const Normalizer* normalizer);

  void scan(std::string_view text, const Emit& emit) const;

 private:
  std::vector<AddedToken> tokens_;
  ByteTrie trie_;  // of indices into tokens_
};

}  // namespace icl::tokenizer
