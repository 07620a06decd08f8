// SPDX-License-Identifier: Apache-2.0
#include "src/tokenizer/bpe.h"

#include <cstdio>

#include "icl/base/error.h"
#include "src/tokenizer/unicode.h"

namespace icl::tokenizer {
namespace {

constexpr char32_t kSpaceMark = U'\u2581';  // "▁"
constexpr std::string_view kSpaceMarkText = "\u2581";

std::string fallback_token(unsigned char byte) {
  char text[8];
  std::snprintf(text, sizeof(text), "<0x%02X>", byte);
  return text;
}

// "a b" or ["a", "b"].
std::pair<std::string, std::string> parts_of(const nlohmann::json& merge) {
  if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
    return {merge[0].get<std::string>(), merge[1].get<std::string>()};
  }
  if (!merge.is_string()) return {};
  const auto& text = merge.get_ref<const std::string&>();
  const size_t space = text.find(' ');
  if (space == std::string::npos || text.find(' ', space + 1) != std::string::npos) return {};
  return {text.substr(0, space), text.substr(space + 1)};
}

}  // namespace

Bpe::Bpe(const JsonPlace& model, bool bytes) : file_(model.file()), bytes_(bytes) {
  const JsonPlace type = model.find("type");
  if (!type.is_null() && type.text() != "BPE") model.unsupported("model", "BPE");
  const JsonPlace dropout = model.find("dropout");
  if (!dropout.is_null() && !(dropout.value().is_number() && dropout.value().get<double>() == 0)) {
    dropout.fail("dropout is not supported; expected null or 0");
  }
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    const JsonPlace affix = model.find(key);
    if (!affix.is_null() && !affix.text().empty()) {
      affix.fail("is not supported; expected null or \"\"");
    }
  }
  unknown_token_ = model.text("unk_token", "");
  byte_fallback_ = model.flag("byte_fallback", false);
  fuse_unknown_ = model.flag("fuse_unk", false);
  ignore_merges_ = model.flag("ignore_merges", false);
  read_vocabulary(model.at("vocab"));
  read_merges(model.at("merges"));
  read_characters();
}

void Bpe::read_vocabulary(const JsonPlace& vocab) {
  vocab.require_object();
  vocabulary_.reserve(vocab.value().size());
  for (const auto& [token, id] : vocab.value().items()) {
    const bool fits = id.is_number_unsigned() && id.get<uint64_t>() < kMostTokens;
    if (!fits) vocab.find(token).integer(0, kMostTokens - 1);  // says so
    vocabulary_.emplace(token, id.get<int32_t>());
  }
}

void Bpe::read_merges(const JsonPlace& merges) {
  const nlohmann::json& list = merges.value();
  if (!list.is_array()) merges.fail("expected a list");
  merges_ = MergeTable(list.size());
  for (size_t rank = 0; rank < list.size(); ++rank) {
    // A line of an older merges.txt.
    if (list[rank].is_string() &&
        list[rank].get_ref<const std::string&>().starts_with("#version")) {
      continue;
    }
    const auto [left, right] = parts_of(list[rank]);
    if (left.empty() || right.empty()) {
      merges.elements()[rank].fail("expected two tokens, as \"a b\" or [\"a\", \"b\"]");
    }
    std::array<int32_t, 3> ids{};
    const std::array<std::string, 3> tokens = {left, right, left + right};
    for (size_t i = 0; i < tokens.size(); ++i) {
      const auto found = vocabulary_.find(tokens[i]);
      if (found == vocabulary_.end()) {
        merges.elements()[rank].fail(str("token '", tokens[i], "' is not in the vocabulary"));
      }
      ids[i] = found->second;
    }
    merges_.set(ids[0], ids[1], {static_cast<int32_t>(rank), ids[2]});
    if (decode_at(right, 0).value == kSpaceMark) {
      continues_with_space_.insert(decode_before(left, left.size()).value);
    }
  }
}

void Bpe::read_characters() {
  ascii_tokens_.fill(-1);
  for (const auto& [token, id] : vocabulary_) {
    if (token.empty() || decode_at(token, 0).length != token.size()) continue;
    const char32_t value = decode_at(token, 0).value;
    if (value < 0x80) {
      ascii_tokens_[value] = id;
    } else {
      character_tokens_.emplace(value, id);
    }
  }
  for (int byte = 0; byte < 256; ++byte) {
    byte_tokens_[byte] = token_of(character_of_byte(static_cast<unsigned char>(byte)));
  }
}

int32_t Bpe::token_of(char32_t character) const {
  if (character < 0x80) return ascii_tokens_[character];
  const auto found = character_tokens_.find(character);
  return found == character_tokens_.end() ? -1 : found->second;
}

void Bpe::flush_unknown(int& unknown, std::vector<int32_t>& symbols) const {
  if (unknown == 0) return;
  const auto found = vocabulary_.find(unknown_token_);
  if (found == vocabulary_.end()) {
    throw DataError(str("'", file_, "': model.unk_token '", unknown_token_,
                        "' is not in the vocabulary, and the text holds a character without a "
                        "token"));
  }
  symbols.push_back(found->second);
  unknown = 0;
}

void Bpe::unknown_character(const std::string& character, int& unknown,
                            std::vector<int32_t>& symbols) const {
  if (byte_fallback_) {
    std::vector<int32_t> fallback;
    for (const char byte : character) {
      const auto found = vocabulary_.find(fallback_token(static_cast<unsigned char>(byte)));
      if (found != vocabulary_.end()) fallback.push_back(found->second);
    }
    if (fallback.size() == character.size()) {
      symbols.insert(symbols.end(), fallback.begin(), fallback.end());
      return;
    }
  }
  if (unknown_token_.empty()) return;  // such a character is then left out
  if (!fuse_unknown_) flush_unknown(unknown, symbols);
  ++unknown;
}

void Bpe::symbols_of(std::string_view word, std::vector<int32_t>& symbols) const {
  symbols.clear();
  int unknown = 0;
  for (size_t at = 0; at < word.size();) {
    const auto byte = static_cast<unsigned char>(word[at]);
    const CodePoint point = bytes_ ? CodePoint{character_of_byte(byte), 1} : decode_at(word, at);
    const int32_t token = bytes_ ? byte_tokens_[byte] : token_of(point.value);
    if (token >= 0) {
      flush_unknown(unknown, symbols);
      symbols.push_back(token);
    } else {
      std::string character;
      append_utf8(character, point.value);
      unknown_character(character, unknown, symbols);
    }
    at += point.length;
  }
  flush_unknown(unknown, symbols);
}

// A long text that nothing has split, as with LLaMA-2, is cut before "▁" where that is certain to
// change nothing, so that words are found in the cache.
size_t Bpe::chunk_end(std::string_view word, size_t begin) const {
  if (bytes_ || token_of(kSpaceMark) < 0) return word.size();
  for (size_t at = begin + 1; at < word.size(); ++at) {
    at = word.find(kSpaceMarkText, at);
    if (at == std::string_view::npos) return word.size();
    const char32_t before = decode_before(word, at).value;
    if (token_of(before) >= 0 && !continues_with_space_.contains(before)) return at;
  }
  return word.size();
}

void Bpe::encode(std::string_view word, WordCache& cache, std::vector<int64_t>& ids) const {
  if (ignore_merges_) return encode_chunk(word, cache, ids);
  for (size_t begin = 0; begin < word.size();) {
    const size_t end = chunk_end(word, begin);
    encode_chunk(word.substr(begin, end - begin), cache, ids);
    begin = end;
  }
}

void Bpe::encode_chunk(std::string_view word, WordCache& cache, std::vector<int64_t>& ids) const {
  if (word.empty()) return;
  const bool kept = word.size() <= WordCache::kLongestWord;
  if (kept && cache.find(word, ids)) return;
  const size_t before = ids.size();
  if (ignore_merges_) {
    const auto found = bytes_ ? vocabulary_.find(alphabet_of_bytes(word)) : vocabulary_.find(word);
    if (found != vocabulary_.end()) ids.push_back(found->second);
  }
  if (ids.size() == before) {
    symbols_of(word, cache.symbols);
    merges_.apply(cache.symbols);
    ids.insert(ids.end(), cache.symbols.begin(), cache.symbols.end());
  }
  if (kept) cache.insert(word, std::span(ids).subspan(before));
}

}  // namespace icl::tokenizer
