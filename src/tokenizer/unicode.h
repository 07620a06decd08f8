// SPDX-License-Identifier: Apache-2.0
//
// UTF-8 and the classes of characters that the split patterns of tokenizers ask for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace icl::tokenizer {

struct CodePoint {
  char32_t value;
  uint32_t length;  // bytes of its UTF-8
};

// The character at `at` of valid UTF-8, and the one that ends before `end`.
CodePoint decode_wide(std::string_view text, size_t at);
inline CodePoint decode_at(std::string_view text, size_t at) {
  const auto byte = static_cast<unsigned char>(text[at]);
  return byte < 0x80 ? CodePoint{byte, 1} : decode_wide(text, at);
}
CodePoint decode_before(std::string_view text, size_t end);

void append_utf8(std::string& text, char32_t value);

// A copy of `text` in which each maximal subpart of an ill-formed sequence is U+FFFD (the practice
// that the Unicode standard recommends, section 3.9).
std::string to_valid_utf8(std::string_view text);
bool is_valid_utf8(std::string_view text);

enum class CharClass : uint8_t { kSpace, kLetter, kNumber, kOther };  // \s, \p{L}, \p{N}, the rest
extern const CharClass kAsciiClass[128];
CharClass wide_class(char32_t value);
inline CharClass class_of(char32_t value) {
  return value < 0x80 ? kAsciiClass[value] : wide_class(value);
}
inline bool is_space(char32_t value) {
  return class_of(value) == CharClass::kSpace;
}
// \w of Unicode Technical Standard #18: letters, marks, decimal digits, joiners.
bool is_word_char(char32_t value);
bool is_digit(char32_t value);  // \p{Nd}, \p{Nl} or \p{No}
// \p{P} of Unicode 8 or an ASCII symbol; \p{M} of Unicode 9: what the tokenizers library knows.
bool is_punctuation(char32_t value);
bool is_mark(char32_t value);

}  // namespace icl::tokenizer
