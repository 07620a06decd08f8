// SPDX-License-Identifier: Apache-2.0
#include "src/tokenizer/world_vocabulary.h"

#include <charconv>
#include <unordered_map>

#include "icl/base/error.h"
#include "icl/base/text.h"
#include "icl/io/files.h"
#include "src/tokenizer/bpe.h"
#include "src/tokenizer/byte_trie.h"
#include "src/tokenizer/unicode.h"

namespace icl::tokenizer {
namespace {

constexpr std::string_view kEndOfText = "<|endoftext|>";

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

// The bytes that a Python literal means ('a\n', "it's", b'\xff'; UTF-8 of a string), or false and
// what is wrong with it.
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

class WorldVocabulary : public Tokenizer {
 public:
  explicit WorldVocabulary(const std::filesystem::path& path) : file_(path.string()) {
    const MappedFile file(path);
    std::vector<ByteTrie::Pattern> patterns;
    std::string_view rest = file.bytes();
    for (int64_t line = 1; !rest.empty(); ++line) {
      const size_t end = std::min(rest.find('\n'), rest.size());
      std::string_view text = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (text.ends_with('\r')) text.remove_suffix(1);
      if (!text.empty()) patterns.push_back(read_line(text, line));
    }
    if (patterns.empty()) {
      throw DataError(str("'", file_, "': is empty; expected lines of id, literal and length"));
    }
    trie_ = ByteTrie(std::move(patterns));
  }

  std::vector<int64_t> encode(std::string_view text, bool) const override {
    std::string repaired;
    if (!is_valid_utf8(text)) text = repaired = to_valid_utf8(text);
    std::vector<int64_t> ids;
    ids.reserve(text.size() / 4 + 8);
    for (size_t at = 0; at < text.size();) {
      const ByteTrie::Match match = trie_.longest(text, at);
      if (match.length == 0) {
        throw DataError(str("'", file_, "': no token begins with byte ",
                            static_cast<int>(static_cast<unsigned char>(text[at])),
                            " of the text; a world vocabulary has every byte"));
      }
      ids.push_back(match.value);
      at += match.length;
    }
    return ids;
  }

  std::string decode(std::span<const int64_t> ids, bool special) const override {
    std::string bytes;
    for (const int64_t id : ids) {
      const auto token = tokens_.find(id);
      if (token != tokens_.end()) {
        bytes += token->second;
      } else if (id != 0) {
        throw DataError(
            str("'", file_, "': no token has the id ", id, "; ids are 0 .. ", vocab_size() - 1));
      } else if (special) {
        bytes += kEndOfText;
      }
    }
    return is_valid_utf8(bytes) ? bytes : to_valid_utf8(bytes);
  }

  int64_t vocab_size() const override { return highest_ + 1; }

  std::optional<int64_t> id_of(std::string_view token) const override {
    const ByteTrie::Match match = trie_.longest(token, 0);
    if (match.length == token.size() && match.length > 0) return match.value;
    if (token == kEndOfText && !tokens_.contains(0)) return 0;
    return std::nullopt;
  }

 private:
  [[noreturn]] void fail(int64_t line, const std::string& message) const {
    throw DataError(str("'", file_, "': line ", line, ": ", message,
                        "; expected an id, a Python literal and its length in bytes"));
  }

  static bool read_integer(std::string_view text, int64_t& value) {
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    return error == std::errc() && stop == end && value >= 0 && value < kMostTokens;
  }

  ByteTrie::Pattern read_line(std::string_view text, int64_t line) {
    const size_t first = text.find(' ');
    const size_t last = text.rfind(' ');
    int64_t id = 0, length = 0;
    if (first == std::string_view::npos || first == last ||
        !read_integer(text.substr(0, first), id) || !read_integer(text.substr(last + 1), length)) {
      fail(line, "is no line of a world vocabulary");
    }
    std::string bytes, problem;
    if (!read_python_literal(text.substr(first + 1, last - first - 1), bytes, problem)) {
      fail(line, problem);
    }
    if (bytes.empty() || static_cast<int64_t>(bytes.size()) != length) {
      fail(line, str("the literal has ", bytes.size(), " bytes, the line says ", length));
    }
    if (!tokens_.emplace(id, bytes).second) fail(line, str("a second token of the id ", id));
    highest_ = std::max(highest_, id);
    return {std::move(bytes), static_cast<int32_t>(id)};
  }

  std::string file_;
  std::unordered_map<int64_t, std::string> tokens_;  // bytes by id
  int64_t highest_ = 0;
  ByteTrie trie_;
};

}  // namespace

std::unique_ptr<Tokenizer> load_world_vocabulary(const std::filesystem::path& path) {
  return std::make_unique<WorldVocabulary>(path);
}

}  // namespace icl::tokenizer
