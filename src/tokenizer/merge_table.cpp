// SPDX-License-Identifier: Apache-2.0
#include "src/tokenizer/merge_table.h"

#include <algorithm>
#include <array>
#include <bit>
#include <queue>

namespace icl::tokenizer {
namespace {

constexpr size_t kShort = 48;

// A pair that could merge when it was found; stale once either side has changed.
struct Candidate {
  int32_t rank;
  int32_t at;  // index of the left symbol
  int32_t merged;
  int32_t right;  // the right symbol then
  int32_t left;
  bool operator>(const Candidate& other) const {
    return rank != other.rank ? rank > other.rank : at > other.at;
  }
};

// Symbols in a doubly linked list over their first places.
struct Link {
  int32_t symbol;
  int32_t previous;
  int32_t next;
};

}  // namespace

MergeTable::MergeTable(size_t pairs) {
  slots_.resize(std::bit_ceil(2 * pairs + 2));
  mask_ = slots_.size() - 1;
}

void MergeTable::set(int32_t left, int32_t right, Merge merge) {
  const uint64_t key = key_of(left, right);
  size_t slot = slot_of(key);
  while (slots_[slot].key != kEmpty && slots_[slot].key != key) slot = (slot + 1) & mask_;
  slots_[slot] = {key, merge};
}

void MergeTable::apply(std::vector<int32_t>& symbols) const {
  if (symbols.size() < 2) return;
  if (symbols.size() <= kShort) {
    apply_short(symbols);
  } else {
    apply_long(symbols);
  }
}

void MergeTable::apply_short(std::vector<int32_t>& symbols) const {
  std::array<Merge, kShort> pairs;  // pairs[i]: of symbols i and i + 1
  size_t count = symbols.size();
  for (size_t i = 0; i + 1 < count; ++i) pairs[i] = find(symbols[i], symbols[i + 1]);
  while (count > 1) {
    size_t best = 0;
    for (size_t i = 1; i + 1 < count; ++i) {
      if (pairs[i].rank < pairs[best].rank) best = i;
    }
    if (pairs[best].merged < 0) break;
    symbols[best] = pairs[best].merged;
    for (size_t i = best + 1; i + 1 < count; ++i) {
      symbols[i] = symbols[i + 1];
      pairs[i - 1] = pairs[i];
    }
    --count;
    if (best + 1 < count) pairs[best] = find(symbols[best], symbols[best + 1]);
    if (best > 0) pairs[best - 1] = find(symbols[best - 1], symbols[best]);
  }
  symbols.resize(count);
}

void MergeTable::apply_long(std::vector<int32_t>& symbols) const {
  const auto count = static_cast<int32_t>(symbols.size());
  std::vector<Link> links(symbols.size());
  std::vector<Candidate> found;
  const auto candidate = [&](int32_t at) {
    const int32_t next = links[at].next;
    if (next < 0) return;
    const Merge merge = find(links[at].symbol, links[next].symbol);
    if (merge.merged < 0) return;
    found.push_back({merge.rank, at, merge.merged, links[next].symbol, links[at].symbol});
  };
  for (int32_t i = 0; i < count; ++i) {
    links[i] = {symbols[i], i - 1, i + 1 < count ? i + 1 : -1};
  }
  for (int32_t i = 0; i < count; ++i) candidate(i);
  std::make_heap(found.begin(), found.end(), std::greater<>());
  const auto push_new = [&](int32_t at) {
    const size_t before = found.size();
    candidate(at);
    if (found.size() > before) std::push_heap(found.begin(), found.end(), std::greater<>());
  };
  while (!found.empty()) {
    std::pop_heap(found.begin(), found.end(), std::greater<>());
    const Candidate best = found.back();
    found.pop_back();
    Link& here = links[best.at];
    if (here.symbol != best.left || here.next < 0 || links[here.next].symbol != best.right) {
      continue;
    }
    Link& right = links[here.next];
    here.symbol = best.merged;
    here.next = right.next;
    right.symbol = -1;
    if (here.next >= 0) links[here.next].previous = best.at;
    if (here.previous >= 0) push_new(here.previous);
    push_new(best.at);
  }
  symbols.clear();
  for (int32_t at = 0; at >= 0; at = links[at].next) symbols.push_back(links[at].symbol);
}

}  // namespace icl::tokenizer
