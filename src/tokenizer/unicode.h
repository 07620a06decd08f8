// SPDX-License-Identifier: Apache-2.0
//
// Characters as tokenizers see them: UTF-8, the classes that split patterns ask for, and the
// alphabet in which byte-level vocabularies write bytes.
#pragma once

#include <cstdint>
#include <optional>
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
// For an engine that knows Unicode 14: the text with the characters of versions 15 to 16 replaced
// by older ones of the same category, byte for byte as long. False when there are none.
bool replace_new_characters(std::string_view text, std::string& older);
// The lower case of the letters that came with Unicode 16; others as they are.
char32_t lower_of_new(char32_t value);
// \w of Unicode Technical Standard #18: letters, marks, decimal digits, joiners.
bool is_word_char(char32_t value);
bool is_digit(char32_t value);  // \p{Nd}, \p{Nl} or \p{No}
// \p{P} of Unicode 8 or an ASCII symbol; \p{M} of Unicode 9: what the tokenizers library knows.
bool is_punctuation(char32_t value);
bool is_mark(char32_t value);

// How byte-level vocabularies write bytes: each of the 256 as one printable character, U+0021 ..
// U+017F; a space is "Ġ" (Radford et al. 2019, "Language Models are Unsupervised Multitask
// Learners").
char32_t character_of_byte(unsigned char byte);
std::string alphabet_of_bytes(std::string_view bytes);  // " the" -> "Ġthe"
// "Ġthe" -> " the"; nothing when some character stands for no byte.
std::optional<std::string> bytes_of(std::string_view token);

}  // namespace icl::tokenizer
