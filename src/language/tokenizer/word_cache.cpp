// SPDX-License-Identifier: Apache-2.0
#include "src/language/tokenizer/word_cache.h"

#include <xxhash.h>

namespace icl::tokenization {
namespace {

constexpr size_t kEntries = size_t{1} << 17;
constexpr size_t kMostUsed = kEntries / 2;

}  // namespace

void WordCache::clear() {
  entries_.assign(kEntries, {});
  used_ = 0;
  words_.clear();
  ids_.clear();
}

bool WordCache::find(std::string_view word, std::vector<int64_t>& ids) {
  if (entries_.empty()) clear();
  last_hash_ = XXH3_64bits(word.data(), word.size());
  for (size_t slot = last_hash_ & (kEntries - 1);; slot = (slot + 1) & (kEntries - 1)) {
    const Entry& entry = entries_[slot];
    if (entry.word_size == 0) return false;
    if (entry.hash != last_hash_ || entry.word_size != word.size() ||
        word.compare(std::string_view(words_).substr(entry.word, entry.word_size)) != 0) {
      continue;
    }
    for (uint32_t i = 0; i < entry.ids_size; ++i) ids.push_back(ids_[entry.ids + i]);
    return true;
  }
}

void WordCache::insert(std::string_view word, std::span<const int64_t> ids) {
  if (used_ >= kMostUsed) clear();
  size_t slot = last_hash_ & (kEntries - 1);
  while (entries_[slot].word_size != 0) slot = (slot + 1) & (kEntries - 1);
  entries_[slot] = {last_hash_, static_cast<uint32_t>(words_.size()),
                    static_cast<uint32_t>(word.size()), static_cast<uint32_t>(ids_.size()),
                    static_cast<uint32_t>(ids.size())};
  words_ += word;
  for (const int64_t id : ids) ids_.push_back(static_cast<int32_t>(id));
  ++used_;
}

}  // namespace icl::tokenization
