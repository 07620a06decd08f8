// SPDX-License-Identifier: Apache-2.0
#include "src/tokenizer/byte_alphabet.h"

#include <array>

#include "src/tokenizer/unicode.h"

namespace icl::tokenizer {
namespace {

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

char32_t character_of_byte(unsigned char byte) {
  return alphabet().character[byte];
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
