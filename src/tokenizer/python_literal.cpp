// SPDX-License-Identifier: Apache-2.0
#include "src/tokenizer/python_literal.h"

#include <charconv>

#include "icl/base/error.h"
#include "src/tokenizer/unicode.h"

namespace icl::tokenizer {
namespace {

// `count` digits of `base` at `at`, of which at least one must be there if `fewer` is allowed.
bool read_digits(std::string_view text, size_t& at, size_t count, int base, bool fewer,
                 uint32_t& value) {
  const std::string_view digits = text.substr(std::min(at, text.size()), count);
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value, base);
  const auto read = static_cast<size_t>(stop - digits.data());
  if (error != std::errc() || read == 0 || (!fewer && read != count)) return false;
  at += read;
  return true;
}

char simple_escape(char kind) {
  switch (kind) {
    case 'n':
      return '\n';
    case 't':
      return '\t';
    case 'r':
      return '\r';
    case 'a':
      return '\a';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'v':
      return '\v';
    default:
      return kind;  // backslash and quotes
  }
}

}  // namespace

bool read_python_literal(std::string_view literal, std::string& bytes, std::string& problem) {
  bytes.clear();
  const std::string shown = to_valid_utf8(literal);
  const bool is_bytes = literal.starts_with('b');
  if (is_bytes) literal.remove_prefix(1);
  const char quote = literal.empty() ? '\0' : literal.front();
  if ((quote != '\'' && quote != '"') || literal.size() < 2 || literal.back() != quote) {
    problem = shown + " is no Python literal";
    return false;
  }
  const std::string_view body = literal.substr(1, literal.size() - 2);
  for (size_t at = 0; at < body.size();) {
    const char here = body[at++];
    if (here != '\\') {
      if (here == quote) {
        problem = shown + " ends before its last quote";
        return false;
      }
      bytes += here;
      continue;
    }
    const char kind = at < body.size() ? body[at++] : '\0';
    if (kind != '\0' && std::string_view("ntrabfv\\'\"").find(kind) != std::string_view::npos) {
      bytes += simple_escape(kind);
      continue;
    }
    uint32_t value = 0;
    bool read = false;
    if (kind == 'x') read = read_digits(body, at, 2, 16, false, value);
    if (kind == 'u' && !is_bytes) read = read_digits(body, at, 4, 16, false, value);
    if (kind == 'U' && !is_bytes) read = read_digits(body, at, 8, 16, false, value);
    if (kind >= '0' && kind <= '7') read = read_digits(body, --at, 3, 8, true, value);
    const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
    if (!read || value > (is_bytes ? 0xFF : 0x10FFFF) || surrogate) {
      problem = str("the escape at character ", at, " of ", shown, " is not known");
      return false;
    }
    if (is_bytes) {
      bytes += static_cast<char>(value);
    } else {
      append_utf8(bytes, value);
    }
  }
  return true;
}

}  // namespace icl::tokenizer
