// SPDX-License-Identifier: Apache-2.0
#include "src/tokenizer/json_tokenizer.h"

#include <mutex>
#include <unordered_map>
#include <unordered_set>

#include "icl/base/error.h"
#include "src/tokenizer/added_tokens.h"
#include "src/tokenizer/bpe.h"
#include "src/tokenizer/decoder.h"
#include "src/tokenizer/normalizer.h"
#include "src/tokenizer/pattern.h"
#include "src/tokenizer/pre_tokenizer.h"
#include "src/tokenizer/unicode.h"

namespace icl::tokenizer {
namespace {

// Special tokens around a text: the "post_processor" of a tokenizer.json.
struct Surroundings {
  std::vector<int64_t> before;
  std::vector<int64_t> after;
};

// {"single": [{"SpecialToken": {"id": "<s>", ...}}, {"Sequence": {"id": "A", ...}}], ...}
Surroundings read_template(const JsonPlace& place) {
  Surroundings result;
  int sequences = 0;
  for (const JsonPlace& piece : place.at("single").elements()) {
    if (!piece.find("Sequence").is_null()) {
      if (piece.at("Sequence").at("id").text() != "A" || ++sequences > 1) {
        piece.fail("expected the sequence A once");
      }
      continue;
    }
    const JsonPlace name = piece.at("SpecialToken").at("id");
    auto& side = sequences == 0 ? result.before : result.after;
    for (const JsonPlace& id : place.at("special_tokens").at(name.text()).at("ids").elements()) {
      side.push_back(id.integer(0, kMostTokens - 1));
    }
  }
  if (sequences == 0) place.at("single").fail("expected the sequence A once");
  return result;
}

// "cls": ["<s>", 0], "sep": ["</s>", 2]
int64_t read_pair(const JsonPlace& place) {
  const std::vector<JsonPlace> parts = place.elements();
  if (parts.size() != 2) place.fail("expected a token and its id");
  return parts[1].integer(0, kMostTokens - 1);
}

Surroundings read_post_processor(const JsonPlace& place) {
  if (place.is_null()) return {};
  const std::string type = place.type();
  if (type == "ByteLevel") return {};  // moves offsets, not ids
  if (type == "TemplateProcessing") return read_template(place);
  if (type == "BertProcessing" || type == "RobertaProcessing") {
    return {{read_pair(place.at("cls"))}, {read_pair(place.at("sep"))}};
  }
  if (type == "Sequence") {
    Surroundings result;
    for (const JsonPlace& part : place.at("processors").elements()) {
      const Surroundings outer = read_post_processor(part);
      result.before.insert(result.before.begin(), outer.before.begin(), outer.before.end());
      result.after.insert(result.after.end(), outer.after.begin(), outer.after.end());
    }
    return result;
  }
  place.unsupported("post-processor",
                    "Sequence, ByteLevel, TemplateProcessing, BertProcessing, RobertaProcessing");
}

class JsonTokenizer : public Tokenizer {
 public:
  explicit JsonTokenizer(const JsonPlace& file)
      : file_(file.file()),
        normalizer_(read_normalizer(file.find("normalizer"))),
        pre_tokenizer_(read_pre_tokenizer(file.find("pre_tokenizer"))),
        surroundings_(read_post_processor(file.find("post_processor"))),
        decoder_(read_decoder(file.find("decoder"))),
        bpe_(file.at("model"), pre_tokenizer_.bytes),
        added_(read_added_tokens(file.find("added_tokens"), bpe_.vocabulary(), normalizer_.get())),
        raw_finder_(added_, false),
        normalized_finder_(added_, true) {
    for (const auto& [token, id] : bpe_.vocabulary()) set_token(id, token);
    base_vocab_size_ = vocab_size_;
    for (const AddedToken& token : added_) {
      set_token(token.id, token.normal);
      if (token.special) special_.insert(token.content);
    }
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
      const auto token = tokens_.find(id);
      if (token == tokens_.end()) {
        throw DataError(
            str("'", file_, "': no token has the id ", id, "; ids are 0 .. ", vocab_size() - 1));
      }
      if (special || !special_.contains(token->second)) tokens.push_back(token->second);
    }
    decoder_->apply(tokens);
    std::string text;
    for (const std::string& token : tokens) text += token;
    return text;
  }

  int64_t vocab_size() const override { return vocab_size_; }
  int64_t base_vocab_size() const override { return base_vocab_size_; }

  std::optional<int64_t> id_of(std::string_view token) const override {
    for (const AddedToken& added : added_) {
      if (added.content == token) return added.id;
    }
    const auto found = bpe_.vocabulary().find(token);
    if (found == bpe_.vocabulary().end()) return std::nullopt;
    return found->second;
  }

 private:
  void set_token(int32_t id, const std::string& text) {
    tokens_[id] = text;
    vocab_size_ = std::max<int64_t>(vocab_size_, id + 1);
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
  std::unordered_map<int64_t, std::string> tokens_;  // by id
  std::unordered_set<std::string> special_;          // texts that decoding leaves out
  int64_t vocab_size_ = 0, base_vocab_size_ = 0;
  mutable std::mutex mutex_;
  mutable WordCache cache_;
};

}  // namespace

std::unique_ptr<Tokenizer> make_json_tokenizer(const JsonPlace& document) {
  return std::make_unique<JsonTokenizer>(document);
}

}  // namespace icl::tokenizer
