// SPDX-License-Identifier: Apache-2.0
#include "src/tokenizer/added_tokens.h"

#include <algorithm>
#include <unordered_map>

#include "icl/base/error.h"
#include "icl/base/log.h"
#include "src/tokenizer/unicode.h"

namespace icl::tokenizer {
namespace {

bool inside_word(std::string_view text, size_t begin, size_t end) {
  return (begin > 0 && is_word_char(decode_before(text, begin).value)) ||
         (end < text.size() && is_word_char(decode_at(text, end).value));
}

AddedToken read_token(const JsonPlace& place) {
  AddedToken token;
  token.content = place.at("content").text();
  token.special = place.flag("special", false);
  token.normalized = place.flag("normalized", !token.special);
  token.single_word = place.flag("single_word", false);
  token.lstrip = place.flag("lstrip", false);
  token.rstrip = place.flag("rstrip", false);
  return token;
}

}  // namespace

std::vector<AddedToken> read_added_tokens(const JsonPlace& places, const Vocabulary& vocabulary,
                                          const Normalizer* normalizer) {
  std::vector<AddedToken> tokens;
  if (places.is_null()) return tokens;
  std::unordered_map<std::string, size_t> known;  // index of each content in `tokens`
  auto next_id = static_cast<int32_t>(vocabulary.size());
  std::string first_moved;
  int moved = 0;
  for (const JsonPlace& place : places.elements()) {
    AddedToken token = read_token(place);
    if (token.content.empty()) continue;
    token.normal = token.content;
    if (token.normalized && normalizer != nullptr) normalizer->apply(token.normal);
    const auto [entry, is_new] = known.emplace(token.content, tokens.size());
    const auto in_vocabulary = vocabulary.find(token.content);
    if (!is_new) {
      token.id = tokens[entry->second].id;
      token.special = token.special || tokens[entry->second].special;
    } else if (in_vocabulary != vocabulary.end()) {
      token.id = in_vocabulary->second;
    } else {
      token.id = next_id;
    }
    next_id = std::max(next_id, token.id + 1);
    const JsonPlace id = place.find("id");
    if (!id.is_null() && id.integer(0, kMostTokens - 1) != token.id && moved++ == 0) {
      first_moved = str("'", token.content, "' has the id ", token.id, ", not ",
                        id.integer(0, kMostTokens - 1));
    }
    if (is_new) {
      tokens.push_back(std::move(token));
    } else {
      tokens[entry->second] = std::move(token);
    }
  }
  if (moved > 0) {
    log_warning(str("'", places.file(), "': ", first_moved, " as the file says",
                    moved > 1 ? str(", and so for ", moved - 1, " more added tokens") : "",
                    ": an added token has the id of model.vocab, or the next one that is free, as "
                    "in the tokenizers library"));
  }
  return tokens;
}

AddedTokenFinder::AddedTokenFinder(const std::vector<AddedToken>& tokens, bool normalized) {
  std::vector<ByteTrie::Pattern> patterns;
  // Special tokens come first: of two that normalize to the same text, the special one is found.
  for (const bool special : {true, false}) {
    for (const AddedToken& token : tokens) {
      if (token.normalized != normalized || token.special != special) continue;
      patterns.push_back({token.normal, static_cast<int32_t>(tokens_.size())});
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
    if (token.lstrip) begin = std::max(begin, done);
    while (token.lstrip && begin > done && is_space(decode_before(text, begin).value)) {
      begin -= decode_before(text, begin).length;
    }
    while (token.rstrip && end < text.size() && is_space(decode_at(text, end).value)) {
      end += decode_at(text, end).length;
    }
    if (begin > done) emit(-1, done, begin);
    // Nothing is left of a token that the one before took along as white space.
    if (begin < end) emit(token.id, begin, end);
    // May go back: a token without lstrip inside the space that the one before took along is found
    // all the same, and what follows it is text again, as in the tokenizers library.
    done = end;
  }
  if (done < text.size()) emit(-1, done, text.size());
}

}  // namespace icl::tokenizer
