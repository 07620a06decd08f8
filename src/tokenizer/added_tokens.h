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
  std::string normal;  // what is looked for, and what the token decodes to: the content, as
                       // the file's normalizer leaves it when `normalized`
  bool special = false;
  bool normalized = false;   // found in normalized text; otherwise before normalization
  bool single_word = false;  // not inside a word
  bool lstrip = false;       // takes white space before it along
  bool rstrip = false;       // and after it
};

// Reads a list of tokens; each has a "content", flags, and perhaps the "id" that its file gives it.
// The id is not taken from there, but as the tokenizers library assigns it: that of the vocabulary,
// or the next free one in the order of the list. Where the two differ, a warning says so. A content
// that comes again replaces the flags of the first; a special token stays special. `normalizer` may
// be null.
std::vector<AddedToken> read_added_tokens(const JsonPlace& places, const Vocabulary& vocabulary,
                                          const Normalizer* normalizer);

// Finds the normalized or the other half of the added tokens.
class AddedTokenFinder {
 public:
  // A token's id, or -1 and a stretch between tokens, which is not empty.
  using Emit = std::function<void(int32_t id, size_t begin, size_t end)>;

  AddedTokenFinder() = default;
  AddedTokenFinder(const std::vector<AddedToken>& tokens, bool normalized);

  void scan(std::string_view text, const Emit& emit) const;

 private:
  std::vector<AddedToken> tokens_;
  ByteTrie trie_;  // of indices into tokens_
};

}  // namespace icl::tokenizer
