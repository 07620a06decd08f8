// SPDX-License-Identifier: Apache-2.0
//
// Ids of words met before. Text repeats its words, so most are found here.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace icl::tokenizer {

class WordCache {
 public:
  static constexpr size_t kLongestWord = 128;  // longer words are not kept

  // False when the word is not here; otherwise its ids are appended.
  bool find(std::string_view word, std::vector<int64_t>& ids);
  // Remembers the word of the last find. Forgets everything when it has grown to a few MB.
  void insert(std::string_view word, std::span<const int64_t> ids);

  std::vector<int32_t> symbols;  // scratch space of whoever holds the cache

 private:
  struct Entry {
    uint64_t hash = 0;
    uint32_t word = 0, word_size = 0;  // word_size 0: empty
    uint32_t ids = 0, ids_size = 0;
  };
  size_t slot_of(uint64_t hash) const;
  size_t next(size_t slot) const;
  void make_room();  // grows, up to a size at which it forgets everything

  std::vector<Entry> entries_;
  size_t used_ = 0;
  std::string words_;
  std::vector<int32_t> ids_;
  uint64_t last_hash_ = 0;
};

}  // namespace icl::tokenizer
