// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <mutex>
#include <nlohmann/json.hpp>

#include "icl/base/error.h"
#include "icl/io/files.h"
#include "src/tokenizer/added_tokens.h"
#include "src/tokenizer/bpe.h"
#include "src/tokenizer/decoder.h"
#include "src/tokenizer/formats.h"
#include "src/tokenizer/normalizer.h"
#include "src/tokenizer/post_processor.h"
#include "src/tokenizer/pre_tokenizer.h"
#include "src/tokenizer/unicode.h"

namespace icl::tokenizer {
namespace {

constexpr size_t kLongestText = size_t{1} << 30;  // offsets within ICU are of 32 bits

class JsonTokenizer : public Tokenizer {
 public:
  explicit JsonTokenizer(const JsonPlace& file)
      : file_(file.file()),
        normalizer_(read_normalizer(file.find("normalizer"))),
        pre_tokenizer_(read_pre_tokenizer(file.find("pre_tokenizer"))),
        surroundings_(read_post_processor(file.find("post_processor"))),
        decoder_(read_decoder(file.find("decoder"))),
        bpe_(file.at("model"), pre_tokenizer_.bytes),
        added_(read_added_tokens(file.find("added_tokens"), bpe_.vocabulary())),
        raw_finder_(added_, false, nullptr),
        normalized_finder_(added_, true, normalizer_.get()) {
    for (const auto& [token, id] : bpe_.vocabulary()) set_token(id, token, false);
    for (const AddedToken& token : added_) set_token(token.id, token.content, token.special);
  }

  std::vector<int64_t> encode(std::string_view text, bool special) const override {
    if (text.size() > kLongestText) {
      throw DataError(str("a text of ", text.size(), " bytes; expected at most ", kLongestText));
    }
    std::string repaired;
    if (!is_valid_utf8(text)) text = repaired = to_valid_utf8(text);
    // Whoever comes while another thread has the cache works with one of their own.
    const std::unique_lock<std::mutex> lock(mutex_, std::try_to_lock);
    WordCache own;
    WordCache& cache = lock.owns_lock() ? cache_ : own;
    std::vector<int64_t> ids;
    ids.reserve(text.size() / 4 + 8);
    if (special) ids = surroundings_.before;
    raw_finder_.scan(text, [&](int32_t id, size_t begin, size_t end) {
      if (id >= 0) {
        ids.push_back(id);
      } else {
        encode_segment(text.substr(begin, end - begin), begin == 0, cache, ids);
      }
    });
    if (special) ids.insert(ids.end(), surroundings_.after.begin(), surroundings_.after.end());
    return ids;
  }

  std::string decode(std::span<const int64_t> ids, bool special) const override {
    std::vector<std::string> tokens;
    tokens.reserve(ids.size());
    for (const int64_t id : ids) {
      const bool known = id >= 0 && id < vocab_size() && tokens_[id].known;
      if (!known) {
        throw DataError(
            str("'", file_, "': no token has the id ", id, "; ids are 0 .. ", vocab_size() - 1));
      }
      if (special || !tokens_[id].special) tokens.push_back(tokens_[id].text);
    }
    decoder_->apply(tokens);
    std::string text;
    for (const std::string& token : tokens) text += token;
    return text;
  }

  int64_t vocab_size() const override { return static_cast<int64_t>(tokens_.size()); }

  std::optional<int64_t> id_of(std::string_view token) const override {
    for (const AddedToken& added : added_) {
      if (added.content == token) return added.id;
    }
    const auto found = bpe_.vocabulary().find(token);
    if (found == bpe_.vocabulary().end()) return std::nullopt;
    return found->second;
  }

 private:
  struct Token {
    std::string text;
    bool known = false;
    bool special = false;
  };

  void set_token(int32_t id, const std::string& text, bool special) {
    if (static_cast<size_t>(id) >= tokens_.size()) tokens_.resize(static_cast<size_t>(id) + 1);
    tokens_[id] = {text, true, special};
  }

  // A stretch of text without unnormalized added tokens.
  void encode_segment(std::string_view text, bool first, WordCache& cache,
                      std::vector<int64_t>& ids) const {
    std::string normal;
    if (normalizer_ != nullptr && !normalizer_->keeps(text)) {
      normal = text;
      normalizer_->apply(normal);
      text = normal;
    }
    normalized_finder_.scan(text, [&](int32_t id, size_t begin, size_t end) {
      if (id >= 0) {
        ids.push_back(id);
        return;
      }
      const std::string_view piece = text.substr(begin, end - begin);
      const auto encode_word = [&](std::string_view word, bool) { bpe_.encode(word, cache, ids); };
      if (pre_tokenizer_.pre_tokenizer == nullptr) return bpe_.encode(piece, cache, ids);
      pre_tokenizer_.pre_tokenizer->split(piece, first && begin == 0, encode_word);
    });
  }

  std::string file_;
  std::unique_ptr<Normalizer> normalizer_;
  ReadPreTokenizer pre_tokenizer_;
  Surroundings surroundings_;
  std::unique_ptr<Decoder> decoder_;
  Bpe bpe_;
  std::vector<AddedToken> added_;
  AddedTokenFinder raw_finder_, normalized_finder_;
  std::vector<Token> tokens_;
  mutable std::mutex mutex_;
  mutable WordCache cache_;
};

}  // namespace

std::unique_ptr<Tokenizer> load_json_tokenizer(const std::filesystem::path& path) {
  const MappedFile file(path);
  nlohmann::json json;
  try {
    json = nlohmann::json::parse(file.bytes());
  } catch (const nlohmann::json::exception& error) {
    throw DataError(str("'", path.string(), "': is not JSON: ", error.what()));
  }
  return std::make_unique<JsonTokenizer>(JsonPlace(json, path.string()));
}

}  // namespace icl::tokenizer
