// SPDX-License-Identifier: Apache-2.0
//
// What tokenizer.json calls a pattern: {"String": "..."} or {"Regex": "..."} in Oniguruma's syntax.
//
// Regular expressions run in Oniguruma itself, the engine of the tokenizers library. The splits of
// the well-known models are scanned by hand as well, one pass over the bytes: a whole encoding is
// several times faster so (`icl-bench nlp`). Both know the letters of Unicode 16 (unicode.h).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "src/tokenizer/json_place.h"

namespace icl::tokenizer {

// Bytes that one text may grow to; offsets within Oniguruma are of 32 bits.
constexpr size_t kLongestText = size_t{1} << 30;

class Pattern {
 public:
  // Bytes [begin, end) of the text and whether the pattern matched them.
  using Emit = std::function<void(size_t begin, size_t end, bool matched)>;

  virtual ~Pattern() = default;
  // Matches and the stretches between them, in order. A stretch between is not empty; a match may
  // be: an empty one right after another match does not count. Throws DataError when Oniguruma
  // gives up.
  virtual void scan(std::string_view text, const Emit& emit) const = 0;
};

std::unique_ptr<Pattern> read_pattern(const JsonPlace& place);

// The split of GPT-2.
std::unique_ptr<Pattern> gpt2_pattern();
// Null when `regex` is not the exact text of one that is scanned by hand.
std::unique_ptr<Pattern> known_pattern(std::string_view regex);
// Fails at `place` when Oniguruma refuses the expression.
std::unique_ptr<Pattern> regex_pattern(const std::string& regex, const JsonPlace& place);

// Throws DataError when a text would grow beyond kLongestText, or beyond 64 MiB and four times what
// it was.
void replace_all(const Pattern& pattern, std::string_view content, std::string& text);

}  // namespace icl::tokenizer
