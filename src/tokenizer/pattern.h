// SPDX-License-Identifier: Apache-2.0
//
// What tokenizer.json calls a pattern: {"String": "..."} or {"Regex": "..."} in Oniguruma's syntax.
//
// The patterns of the well-known models are scanned by hand, one pass over the bytes. Any other
// regular expression runs in ICU's engine when it keeps to what both engines read alike, and is
// refused with the part in question otherwise.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "src/tokenizer/json_place.h"

namespace icl::tokenizer {

class Pattern {
 public:
  // Bytes [begin, end) of the text and whether the pattern matched them.
  using Emit = std::function<void(size_t begin, size_t end, bool matched)>;

  virtual ~Pattern() = default;
  // Matches and the stretches between them, in order; no stretch is empty.
  virtual void scan(std::string_view text, const Emit& emit) const = 0;
};

std::unique_ptr<Pattern> read_pattern(const JsonPlace& place);

// The splits of the well-known models.
std::unique_ptr<Pattern> gpt2_pattern();
// Null when `regex` is not the exact text of one that is scanned by hand.
std::unique_ptr<Pattern> known_pattern(std::string_view regex);
// Fails at `place` when ICU would read it differently.
std::unique_ptr<Pattern> regex_pattern(const std::string& regex, const JsonPlace& place);

void replace_all(const Pattern& pattern, std::string_view content, std::string& text);

}  // namespace icl::tokenizer
