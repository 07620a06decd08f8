// SPDX-License-Identifier: Apache-2.0
#include "src/tokenizer/unicode.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <cstring>
#include <iterator>

namespace icl::tokenizer {
namespace {

constexpr CharClass S = CharClass::kSpace, L = CharClass::kLetter, N = CharClass::kNumber,
                    O = CharClass::kOther;

struct Range {
  char32_t first, last;
};

// Letters and numbers of Unicode 15.1 and 16, which the ICU of the day may not know yet.
constexpr Range kNewLetters[] = {
    {0x1C89, 0x1C8A},   {0xA7CB, 0xA7CD},   {0xA7DA, 0xA7DC},   {0x105C0, 0x105F3},
    {0x10D4A, 0x10D65}, {0x10D6F, 0x10D85}, {0x10EC2, 0x10EC4}, {0x11380, 0x11389},
    {0x1138B, 0x1138B}, {0x1138E, 0x1138E}, {0x11390, 0x113B5}, {0x113B7, 0x113B7},
    {0x113D1, 0x113D1}, {0x113D3, 0x113D3}, {0x11BC0, 0x11BE0}, {0x13460, 0x143FA},
    {0x16100, 0x1611D}, {0x16D40, 0x16D6C}, {0x18CFF, 0x18CFF}, {0x1E5D0, 0x1E5ED},
    {0x1E5F0, 0x1E5F0}, {0x2EBF0, 0x2EE5D}};
constexpr Range kNewNumbers[] = {{0x10D40, 0x10D49}, {0x116D0, 0x116E3}, {0x11BF0, 0x11BF9},
                                 {0x16130, 0x16139}, {0x16D70, 0x16D79}, {0x1CCF0, 0x1CCF9},
                                 {0x1E5F1, 0x1E5FA}};

template <size_t kCount>
bool is_in(const Range (&ranges)[kCount], char32_t value) {
  return std::any_of(std::begin(ranges), std::end(ranges), [&](const Range& range) {
    return value >= range.first && value <= range.last;
  });
}

// Whether a character was assigned in a version of Unicode.
bool known_to(char32_t value, int version) {
  UVersionInfo age{};
  u_charAge(static_cast<UChar32>(value), age);
  return age[0] > 0 && age[0] <= version;
}

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
  if ((category & U_GC_CN_MASK) != 0) {
    return is_in(kNewLetters, value) ? L : is_in(kNewNumbers, value) ? N : O;
  }
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
  const uint32_t category = U_GET_GC_MASK(static_cast<UChar32>(value));
  if (value < 0x80) return (category & (U_GC_P_MASK | U_GC_S_MASK)) != 0;
  if (value == 0x166D || value == 0x111C9) return true;  // something else since
  return (category & U_GC_P_MASK) != 0 && known_to(value, 8);
}

bool is_mark(char32_t value) {
  if (value == 0x1CF2 || value == 0x1CF3) return true;  // something else since
  if (value == 0x111C9) return false;                   // a mark since
  return (U_GET_GC_MASK(static_cast<UChar32>(value)) & U_GC_M_MASK) != 0 && known_to(value, 9);
}

}  // namespace icl::tokenizer
