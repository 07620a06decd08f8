// SPDX-License-Identifier: Apache-2.0
//
// Ranks of pairs of tokens, and the merging of a word by them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace icl::tokenizer {

class MergeTable {
 public:
  struct Merge {
    int32_t rank = INT32_MAX;  // INT32_MAX: the pair does not merge
    int32_t merged = -1;
  };

  explicit MergeTable(size_t pairs = 0);
  void set(int32_t left, int32_t right, Merge merge);  // a later merge of the same pair counts
  Merge find(int32_t left, int32_t right) const {
    const uint64_t key = key_of(left, right);
    for (size_t slot = slot_of(key);; slot = (slot + 1) & mask_) {
      if (slots_[slot].key == key) return slots_[slot].merge;
      if (slots_[slot].key == kEmpty) return {};
    }
  }

  // Merges in place until no neighbours have a rank. Short words scan for the lowest rank; long
  // ones keep a heap, n log n for n symbols whatever they are.
  void apply(std::vector<int32_t>& symbols) const;

 private:
  static constexpr uint64_t kEmpty = ~uint64_t{0};
  struct Slot {
    uint64_t key = kEmpty;
    Merge merge;
  };
  static uint64_t key_of(int32_t left, int32_t right) {
    return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
  }
  size_t slot_of(uint64_t key) const {
    return static_cast<size_t>((key * 0x9E3779B97F4A7C15ULL) >> 32) & mask_;
  }
  void apply_short(std::vector<int32_t>& symbols) const;
  void apply_long(std::vector<int32_t>& symbols) const;

  std::vector<Slot> slots_;
  size_t mask_ = 0;
};

}  // namespace icl::tokenizer
