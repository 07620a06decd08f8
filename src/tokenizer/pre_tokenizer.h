// SPDX-License-Identifier: Apache-2.0
//
// The "pre_tokenizer" of a tokenizer.json: cuts text into the words that merges stay within.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "src/tokenizer/json_place.h"

namespace icl::tokenizer {

// Spaces as a visible character, "▁": settings that pre-tokenizer and decoder share.
struct Metaspace {
  enum class Prepend { kAlways, kFirst, kNever };  // where a text gets one that has none
  std::string replacement;
  Prepend prepend = Prepend::kAlways;
  bool split = true;
};

// Reads the older add_prefix_space too.
Metaspace read_metaspace(const JsonPlace& place);

class PreTokenizer {
 public:
  // A word, and whether it begins where the whole text begins.
  using Emit = std::function<void(std::string_view word, bool first)>;

  virtual ~PreTokenizer() = default;
  virtual void split(std::string_view text, bool first, const Emit& emit) const = 0;
};

struct ReadPreTokenizer {
  std::unique_ptr<PreTokenizer> pre_tokenizer;  // null: the text is one word
  bool bytes =
      false;  // ByteLevel comes last: words are bytes, of which the alphabet is yet to come
};

// Supported: Sequence, ByteLevel, Split, Metaspace, Digits, Punctuation, Whitespace,
// WhitespaceSplit.
ReadPreTokenizer read_pre_tokenizer(const JsonPlace& place);

}  // namespace icl::tokenizer
