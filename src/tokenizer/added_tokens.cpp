// SPDX-License-Identifier: Apache-2.0
#include "src/tokenizer/added_tokens.h"

#include <unordered_map>

#include "icl/base/error.h"
#include "src/tokenizer/unicode.h"

namespace icl::tokenizer {
namespace {

bool inside_word(std::string_view text, size_t begin, size_t end) {
  return (begin > 0 && is_word_char(decode_before(text, begin).value)) ||
         (end < text.size() && is_word_char(decode_at(text, end).value));
}

}  // namespace

std::vector<AddedToken> read_added_tokens(const JsonPlace& places, const Vocabulary& vocabulary) {
  std::vector<AddedToken> tokens;
  if (places.is_null()) return tokens;
  std::unordered_map<int32_t, std::string_view> contents;  // of the vocabulary's ids
  for (const auto& [token, id] : vocabulary) contents.emplace(id, token);
  std::unordered_map<std::string, int32_t> ids;
  for (const JsonPlace& place : places.elements()) {
    AddedToken token;
    token.id = static_cast<int32_t>(place.at("id").integer(0, kMostTokens - 1));
    token.content = place.at("content").text();
    token.special = place.flag("special", false);
    token.normalized = place.flag("normalized", !token.special);
    token.single_word = place.flag("single_word", false);
    token.lstrip = place.flag("lstrip", false);
    token.rstrip = place.flag("rstrip", false);
    const auto known = vocabulary.find(token.content);
    if (known != vocabulary.end() && known->second != token.id) {
      place.fail(str("'", token.content, "' has the id ", token.id, ", but ", known->second,
                     " in model.vocab"));
    }
    const auto other = contents.find(token.id);
    if (other != contents.end() && other->second != token.content) {
      place.fail(str("'", token.content, "' has the id ", token.id, ", which is '", other->second,
                     "' in model.vocab"));
    }
    const auto [earlier, is_new] = ids.emplace(token.content, token.id);
    if (!is_new && earlier->second != token.id) {
      place.fail(str("'", token.content, "' has the id ", token.id, ", but ", earlier->second,
                     " earlier in the list"));
    }
    tokens.push_back(std::move(token));
  }
  return tokens;
}

AddedTokenFinder::AddedTokenFinder(const std::vector<AddedToken>& tokens, bool normalized,
                                   const Normalizer* normalizer) {
  std::vector<ByteTrie::Pattern> patterns;
  // Special tokens come first: of two that normalize to the same text, the special one is found.
  for (const bool special : {true, false}) {
    for (const AddedToken& token : tokens) {
      if (token.normalized != normalized || token.special != special) continue;
      std::string pattern = token.content;
      if (normalized && normalizer != nullptr) normalizer->apply(pattern);
      patterns.push_back({std::move(pattern), static_cast<int32_t>(tokens_.size())});
      tokens_.push_back(token);
    }
  }
  trie_ = ByteTrie(std::move(patterns));
}

void AddedTokenFinder::scan(std::string_view text, const Emit& emit) const {
  size_t done = 0;  // end of the last token
  size_t at = trie_.next_candidate(text, 0);
  while (at < text.size()) {
    const ByteTrie::Match match = trie_.longest(text, at);
    if (match.length == 0) {
      at = trie_.next_candidate(text, at + 1);
      continue;
    }
    const AddedToken& token = tokens_[match.value];
    size_t begin = at;
    size_t end = at + match.length;
    at = trie_.next_candidate(text, end);
    if (token.single_word && inside_word(text, begin, end)) continue;
    while (token.lstrip && begin > done && is_space(decode_before(text, begin).value)) {
      begin -= decode_before(text, begin).length;
    }
    while (token.rstrip && end < text.size() && is_space(decode_at(text, end).value)) {
      end += decode_at(text, end).length;
    }
    if (begin > done) emit(-1, done, begin);
    emit(token.id, begin, end);
    // May go back: a token inside the space that the one before took along is found all the same,
    // and what follows it is text again, as in the library that these files come from.
    done = end;
  }
  if (done < text.size()) emit(-1, done, text.size());
}

}  // namespace icl::tokenizer
