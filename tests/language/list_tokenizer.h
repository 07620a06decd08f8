// SPDX-License-Identifier: Apache-2.0
//
// A tokenizer whose tokens are the 256 bytes and the texts of a list, the longest match first.
#pragma once

#include <string>
#include <vector>

#include "icl/tokenizer/tokenizer.h"

namespace icl::testing {

class ListTokenizer : public Tokenizer {
 public:
  explicit ListTokenizer(std::vector<std::string> words = {}) {
    for (int byte = 0; byte < 256; ++byte)
      tokens_.push_back(std::string(1, static_cast<char>(byte)));
    for (std::string& word : words) tokens_.push_back(std::move(word));
  }

  std::vector<int64_t> encode(std::string_view text, bool /*special*/ = false) const override {
    std::vector<int64_t> ids;
    while (!text.empty()) {
      size_t best = static_cast<unsigned char>(text[0]);
      for (size_t id = 256; id < tokens_.size(); ++id) {
        if (text.starts_with(tokens_[id]) && tokens_[id].size() > tokens_[best].size()) best = id;
      }
      ids.push_back(static_cast<int64_t>(best));
      text.remove_prefix(tokens_[best].size());
    }
    return ids;
  }
  std::string decode(std::span<const int64_t> ids, bool /*special*/ = false) const override {
    std::string text;
    for (const int64_t id : ids) text += tokens_.at(static_cast<size_t>(id));
    return text;
  }
  int64_t vocab_size() const override { return static_cast<int64_t>(tokens_.size()); }
  std::optional<int64_t> id_of(std::string_view token) const override {
    for (size_t id = 0; id < tokens_.size(); ++id) {
      if (tokens_[id] == token) return static_cast<int64_t>(id);
    }
    return std::nullopt;
  }

 private:
  std::vector<std::string> tokens_;
};

}  // namespace icl::testing
