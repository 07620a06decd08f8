// SPDX-License-Identifier: Apache-2.0
#include "src/tokenizer/word_cache.h"

#include <xxhash.h>

#include <algorithm>

namespace icl::tokenizer {
namespace {

constexpr size_t kFewest = size_t{1} << 10;
constexpr size_t kMost = size_t{1} << 17;

}  // namespace

size_t WordCache::slot_of(uint64_t hash) const {
  return static_cast<size_t>(hash) & (entries_.size() - 1);
}

size_t WordCache::next(size_t slot) const {
  return (slot + 1) & (entries_.size() - 1);
}

void WordCache::make_room() {
  if (2 * used_ < entries_.size()) return;
  if (entries_.size() >= kMost) {
    entries_.assign(kMost, {});
    used_ = 0;
    words_.clear();
    ids_.clear();
    return;
  }
  std::vector<Entry> old(std::max(kFewest, 4 * entries_.size()));
  old.swap(entries_);
  for (const Entry& entry : old) {
    if (entry.word_size == 0) continue;
    size_t slot = slot_of(entry.hash);
    while (entries_[slot].word_size != 0) slot = next(slot);
    entries_[slot] = entry;
  }
}

bool WordCache::find(std::string_view word, std::vector<int64_t>& ids) {
  last_hash_ = XXH3_64bits(word.data(), word.size());
  if (entries_.empty()) return false;
  for (size_t slot = slot_of(last_hash_);; slot = next(slot)) {
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
  make_room();
  size_t slot = slot_of(last_hash_);
  while (entries_[slot].word_size != 0) slot = next(slot);
  entries_[slot] = {last_hash_, static_cast<uint32_t>(words_.size()),
                    static_cast<uint32_t>(word.size()), static_cast<uint32_t>(ids_.size()),
                    static_cast<uint32_t>(ids.size())};
  words_ += word;
  for (const int64_t id : ids) ids_.push_back(static_cast<int32_t>(id));
  ++used_;
}

}  // namespace icl::tokenizer
