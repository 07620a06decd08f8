// SPDX-License-Identifier: Apache-2.0
#include "src/language/tokenizer/unicode.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <cstring>

namespace icl::tokenization {
namespace {

constexpr CharClass S = CharClass::kSpace, L = CharClass::kLetter, N = CharClass::kNumber,
                    O = CharClass::kOther;

// Where ill-formed UTF-8 begins at or after `at`; the size when it does not.
size_t valid_until(std::string_view text, size_t at) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  const auto size = static_cast<int64_t>(text.size());
  auto i = static_cast<int64_t>(at);
  while (i < size) {
    uint64_t block = 0;
    if (i + 8 <= size && (std::memcpy(&block, bytes + i, 8), (block & 0x8080808080808080U) == 0)) {
      i += 8;
      continue;
    }
    const int64_t begin = i;
    UChar32 value = 0;
    U8_NEXT(bytes, i, size, value);
    if (value < 0) return static_cast<size_t>(begin);
  }
  return text.size();
}

}  // namespace

const CharClass kAsciiClass[128] = {
    O, O, O, O, O, O, O, O, O, S, S, S, S, S, O, O,  // 0x00: \t \n \v \f \r
    O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O,  // 0x10
    S, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O,  // 0x20
    N, N, N, N, N, N, N, N, N, N, O, O, O, O, O, O,  // 0x30
    O, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L,  // 0x40
    L, L, L, L, L, L, L, L, L, L, L, O, O, O, O, O,  // 0x50
    O, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L,  // 0x60
    L, L, L, L, L, L, L, L, L, L, L, O, O, O, O, O,  // 0x70
};

CodePoint decode_wide(std::string_view text, size_t at) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  size_t end = at;
  UChar32 value = 0;
  U8_NEXT_UNSAFE(bytes, end, value);
  return {static_cast<char32_t>(value), static_cast<uint32_t>(end - at)};
}

CodePoint decode_before(std::string_view text, size_t end) {
  size_t at = end - 1;
  while (at > 0 && U8_IS_TRAIL(static_cast<uint8_t>(text[at]))) --at;
  return decode_at(text, at);
}

void append_utf8(std::string& text, char32_t value) {
  uint8_t bytes[U8_MAX_LENGTH];
  int length = 0;
  U8_APPEND_UNSAFE(bytes, length, static_cast<UChar32>(value));
  text.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(length));
}

bool is_valid_utf8(std::string_view text) {
  return valid_until(text, 0) == text.size();
}

std::string to_valid_utf8(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  size_t at = 0;
  while (true) {
    const size_t end = valid_until(text, at);
    result.append(text.substr(at, end - at));
    if (end == text.size()) return result;
    auto next = static_cast<int64_t>(end);
    UChar32 value = 0;
    U8_NEXT(bytes, next, static_cast<int64_t>(text.size()), value);  // passes a maximal subpart
    result += "\xEF\xBF\xBD";
    at = static_cast<size_t>(next);
  }
}

CharClass wide_class(char32_t value) {
  const auto character = static_cast<UChar32>(value);
  const uint32_t category = U_GET_GC_MASK(character);
  if ((category & U_GC_L_MASK) != 0) return L;
  if ((category & U_GC_N_MASK) != 0) return N;
  return u_isUWhiteSpace(character) ? S : O;
}

bool is_word_char(char32_t value) {
  const auto character = static_cast<UChar32>(value);
  return u_isUAlphabetic(character) || u_hasBinaryProperty(character, UCHAR_JOIN_CONTROL) ||
         (U_GET_GC_MASK(character) & (U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK)) != 0;
}

bool is_digit(char32_t value) {
  return class_of(value) == CharClass::kNumber;
}

bool is_punctuation(char32_t value) {
  const auto character = static_cast<UChar32>(value);
  if ((U_GET_GC_MASK(character) & U_GC_P_MASK) != 0) return true;
  return value < 0x80 && (U_GET_GC_MASK(character) & U_GC_S_MASK) != 0;
}

}  // namespace icl::tokenization
