// SPDX-License-Identifier: Apache-2.0
#include "src/tokenizer/unicode.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>

namespace icl::tokenizer {
namespace {

constexpr CharClass S = CharClass::kSpace, L = CharClass::kLetter, N = CharClass::kNumber,
                    O = CharClass::kOther;

// Characters [first, last] that came with Unicode 15, 15.1 and 16, which Debian's Oniguruma (14)
// and ICU (15) do not know, and an older character of the same category, and script where one
// matters, whose UTF-8 is as long. Read off the tokenizers library's release 0.23.3.
struct NewCharacters {
  char32_t first, last, stand_in;
};
constexpr NewCharacters kNewCharacters[] = {
    {0x0897, 0x0897, 0x08D3},    {0x0CF3, 0x0CF3, 0x0CBE},    {0x0ECE, 0x0ECE, 0x0ECD},
    {0x1B4E, 0x1B4F, 0x1B5B},    {0x1B7F, 0x1B7F, 0x1B5B},    {0x1C89, 0x1C89, 0xA640},
    {0x1C8A, 0x1C8A, 0xA641},    {0x2427, 0x2429, 0x2400},    {0x2FFC, 0x2FFF, 0x2FF0},
    {0x31E4, 0x31E5, 0x31C0},    {0x31EF, 0x31EF, 0x31C0},    {0xA7CB, 0xA7CC, 0xA722},
    {0xA7CD, 0xA7CD, 0xA723},    {0xA7DA, 0xA7DA, 0xA722},    {0xA7DB, 0xA7DB, 0xA723},
    {0xA7DC, 0xA7DC, 0xA722},    {0x105C0, 0x105F3, 0x10480}, {0x10D40, 0x10D49, 0x104A0},
    {0x10D4A, 0x10D4D, 0x10480}, {0x10D4E, 0x10D4E, 0x16B40}, {0x10D4F, 0x10D4F, 0x10480},
    {0x10D50, 0x10D65, 0x10400}, {0x10D69, 0x10D6D, 0x11001}, {0x10D6E, 0x10D6E, 0x10EAD},
    {0x10D6F, 0x10D6F, 0x16B40}, {0x10D70, 0x10D85, 0x10428}, {0x10D8E, 0x10D8F, 0x1D6C1},
    {0x10EC2, 0x10EC4, 0x1EE00}, {0x10EFC, 0x10EFF, 0x11001}, {0x1123F, 0x11240, 0x10480},
    {0x11241, 0x11241, 0x11001}, {0x11380, 0x11389, 0x10480}, {0x1138B, 0x1138B, 0x10480},
    {0x1138E, 0x1138E, 0x10480}, {0x11390, 0x113B5, 0x10480}, {0x113B7, 0x113B7, 0x10480},
    {0x113B8, 0x113BA, 0x11000}, {0x113BB, 0x113C0, 0x11001}, {0x113C2, 0x113C2, 0x11000},
    {0x113C5, 0x113C5, 0x11000}, {0x113C7, 0x113CA, 0x11000}, {0x113CC, 0x113CD, 0x11000},
    {0x113CE, 0x113CE, 0x11001}, {0x113CF, 0x113CF, 0x11000}, {0x113D0, 0x113D0, 0x11001},
    {0x113D1, 0x113D1, 0x10480}, {0x113D2, 0x113D2, 0x11001}, {0x113D3, 0x113D3, 0x10480},
    {0x113D4, 0x113D5, 0x11047}, {0x113D7, 0x113D8, 0x11047}, {0x113E1, 0x113E2, 0x11001},
    {0x116D0, 0x116E3, 0x104A0}, {0x11B00, 0x11B09, 0x11047}, {0x11BC0, 0x11BE0, 0x10480},
    {0x11BE1, 0x11BE1, 0x11047}, {0x11BF0, 0x11BF9, 0x104A0}, {0x11F00, 0x11F01, 0x11001},
    {0x11F02, 0x11F02, 0x10480}, {0x11F03, 0x11F03, 0x11000}, {0x11F04, 0x11F10, 0x10480},
    {0x11F12, 0x11F33, 0x10480}, {0x11F34, 0x11F35, 0x11000}, {0x11F36, 0x11F3A, 0x11001},
    {0x11F3E, 0x11F3F, 0x11000}, {0x11F40, 0x11F40, 0x11001}, {0x11F41, 0x11F41, 0x11000},
    {0x11F42, 0x11F42, 0x11001}, {0x11F43, 0x11F4F, 0x11047}, {0x11F50, 0x11F59, 0x104A0},
    {0x11F5A, 0x11F5A, 0x11001}, {0x1342F, 0x1342F, 0x10480}, {0x13439, 0x1343F, 0x13430},
    {0x13440, 0x13440, 0x11001}, {0x13441, 0x13446, 0x10480}, {0x13447, 0x13455, 0x11001},
    {0x13460, 0x143FA, 0x10480}, {0x16100, 0x1611D, 0x10480}, {0x1611E, 0x16129, 0x11001},
    {0x1612A, 0x1612C, 0x11000}, {0x1612D, 0x1612F, 0x11001}, {0x16130, 0x16139, 0x104A0},
    {0x16D40, 0x16D42, 0x16B40}, {0x16D43, 0x16D6A, 0x10480}, {0x16D6B, 0x16D6C, 0x16B40},
    {0x16D6D, 0x16D6F, 0x11047}, {0x16D70, 0x16D79, 0x104A0}, {0x18CFF, 0x18CFF, 0x10480},
    {0x1B132, 0x1B132, 0x1B150}, {0x1B155, 0x1B155, 0x1B164}, {0x1CC00, 0x1CCEF, 0x1D000},
    {0x1CCF0, 0x1CCF9, 0x104A0}, {0x1CD00, 0x1CEB3, 0x1D000}, {0x1D2C0, 0x1D2D3, 0x10107},
    {0x1DF25, 0x1DF2A, 0x1DF00}, {0x1E030, 0x1E06D, 0x16B40}, {0x1E08F, 0x1E08F, 0x11001},
    {0x1E4D0, 0x1E4EA, 0x10480}, {0x1E4EB, 0x1E4EB, 0x16B40}, {0x1E4EC, 0x1E4EF, 0x11001},
    {0x1E4F0, 0x1E4F9, 0x104A0}, {0x1E5D0, 0x1E5ED, 0x10480}, {0x1E5EE, 0x1E5EF, 0x11001},
    {0x1E5F0, 0x1E5F0, 0x10480}, {0x1E5F1, 0x1E5FA, 0x104A0}, {0x1E5FF, 0x1E5FF, 0x11047},
    {0x1F6DC, 0x1F6DC, 0x1F300}, {0x1F774, 0x1F776, 0x1F300}, {0x1F77B, 0x1F77F, 0x1F300},
    {0x1F7D9, 0x1F7D9, 0x1F300}, {0x1F8B2, 0x1F8BB, 0x1F300}, {0x1F8C0, 0x1F8C1, 0x1F300},
    {0x1FA75, 0x1FA77, 0x1F300}, {0x1FA87, 0x1FA89, 0x1F300}, {0x1FA8F, 0x1FA8F, 0x1F300},
    {0x1FAAD, 0x1FAAF, 0x1F300}, {0x1FABB, 0x1FABF, 0x1F300}, {0x1FAC6, 0x1FAC6, 0x1F300},
    {0x1FACE, 0x1FACF, 0x1F300}, {0x1FADA, 0x1FADC, 0x1F300}, {0x1FADF, 0x1FADF, 0x1F300},
    {0x1FAE8, 0x1FAE9, 0x1F300}, {0x1FAF7, 0x1FAF8, 0x1F300}, {0x1FBCB, 0x1FBEF, 0x1D000},
    {0x2B739, 0x2B739, 0x20000}, {0x2EBF0, 0x2EE5D, 0x20000}, {0x31350, 0x323AF, 0x20000}};

char32_t stand_in(char32_t value) {
  if (value < std::begin(kNewCharacters)->first) return value;
  const auto* after = std::upper_bound(
      std::begin(kNewCharacters), std::end(kNewCharacters), value,
      [](char32_t wanted, const NewCharacters& range) { return wanted < range.first; });
  const NewCharacters& range = *(after - 1);
  return value <= range.last ? range.stand_in : value;
}

uint32_t category_mask(char32_t value) {
  const uint32_t mask = U_GET_GC_MASK(static_cast<UChar32>(value));
  return (mask & U_GC_CN_MASK) == 0 ? mask : U_GET_GC_MASK(static_cast<UChar32>(stand_in(value)));
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

struct Alphabet {
  std::array<char32_t, 256> character{};
  std::array<int, 512> byte{};

  Alphabet() {
    byte.fill(-1);
    char32_t next = 0x100;
    for (int value = 0; value < 256; ++value) {
      // Printable Latin-1 stands for itself, the rest follows after it in order.
      const bool itself = (value >= 0x21 && value <= 0x7E) || (value >= 0xA1 && value != 0xAD);
      character[value] = itself ? static_cast<char32_t>(value) : next++;
      byte[character[value]] = value;
    }
  }
};

const Alphabet& alphabet() {
  static const Alphabet table;
  return table;
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
  const uint32_t category = category_mask(value);
  if ((category & U_GC_L_MASK) != 0) return L;
  if ((category & U_GC_N_MASK) != 0) return N;
  return u_isUWhiteSpace(static_cast<UChar32>(value)) ? S : O;
}

bool replace_new_characters(std::string_view text, std::string& older) {
  older.clear();
  for (size_t at = 0; at < text.size();) {
    const CodePoint point = decode_at(text, at);
    const char32_t other = stand_in(point.value);
    if (other != point.value) {
      if (older.empty()) older = text;
      std::string letters;
      append_utf8(letters, other);
      older.replace(at, point.length, letters);
    }
    at += point.length;
  }
  return !older.empty();
}

char32_t lower_of_new(char32_t value) {
  switch (value) {
    case 0x1C89:
    case 0xA7CC:
    case 0xA7DA:
      return value + 1;
    case 0xA7CB:
      return 0x264;
    case 0xA7DC:
      return 0x19B;
    default:
      return value >= 0x10D50 && value <= 0x10D65 ? value + 0x20 : value;
  }
}

bool is_word_char(char32_t value) {
  const auto character = static_cast<UChar32>(stand_in(value));
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

char32_t character_of_byte(unsigned char byte) {
  return alphabet().character[byte];
}

std::string alphabet_of_bytes(std::string_view bytes) {
  std::string text;
  text.reserve(2 * bytes.size());
  for (const char byte : bytes)
    append_utf8(text, character_of_byte(static_cast<unsigned char>(byte)));
  return text;
}

std::optional<std::string> bytes_of(std::string_view token) {
  std::string bytes;
  for (size_t at = 0; at < token.size();) {
    const CodePoint point = decode_at(token, at);
    at += point.length;
    if (point.value >= 512 || alphabet().byte[point.value] < 0) return std::nullopt;
    bytes += static_cast<char>(alphabet().byte[point.value]);
  }
  return bytes;
}

}  // namespace icl::tokenizer
