// SPDX-License-Identifier: Apache-2.0
//
// The world vocabulary of RWKV.
#include <charconv>
#include <unordered_map>

#include "icl/base/error.h"
#include "icl/base/text.h"
#include "icl/io/files.h"
#include "src/tokenizer/bpe.h"
#include "src/tokenizer/byte_trie.h"
#include "src/tokenizer/formats.h"
#include "src/tokenizer/python_literal.h"
#include "src/tokenizer/unicode.h"

namespace icl::tokenizer {
namespace {

constexpr std::string_view kEndOfText = "<|endoftext|>";

class WorldTokenizer : public Tokenizer {
 public:
  explicit WorldTokenizer(const std::filesystem::path& path) : file_(path.string()) {
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
      const bool known = id >= 0 && id < vocab_size() && !tokens_[id].empty();
      if (known) {
        bytes += tokens_[id];
      } else if (id != 0) {
        throw DataError(
            str("'", file_, "': no token has the id ", id, "; ids are 0 .. ", vocab_size() - 1));
      } else if (special) {
        bytes += kEndOfText;
      }
    }
    return is_valid_utf8(bytes) ? bytes : to_valid_utf8(bytes);
  }

  int64_t vocab_size() const override { return static_cast<int64_t>(tokens_.size()); }

  std::optional<int64_t> id_of(std::string_view token) const override {
    const ByteTrie::Match match = trie_.longest(token, 0);
    if (match.length == token.size() && match.length > 0) return match.value;
    if (token == kEndOfText && tokens_[0].empty()) return 0;
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
    if (static_cast<size_t>(id) >= tokens_.size()) tokens_.resize(static_cast<size_t>(id) + 1);
    if (!tokens_[id].empty()) fail(line, str("a second token of the id ", id));
    tokens_[id] = bytes;
    return {std::move(bytes), static_cast<int32_t>(id)};
  }

  std::string file_;
  std::vector<std::string> tokens_;  // bytes by id; empty: no token
  ByteTrie trie_;
};

}  // namespace

std::unique_ptr<Tokenizer> load_world_tokenizer(const std::filesystem::path& path) {
  return std::make_unique<WorldTokenizer>(path);
}

}  // namespace icl::tokenizer
