// SPDX-License-Identifier: Apache-2.0
#include "src/tokenizer/byte_trie.h"

#include <algorithm>
#include <deque>

namespace icl::tokenizer {
namespace {

// Sorted patterns [begin, end) that share their first `depth` bytes, the text of node `node`.
struct Range {
  size_t begin, end, depth;
  int32_t node;
};

}  // namespace

ByteTrie::ByteTrie(std::vector<Pattern> patterns) {
  roots_.fill(-1);
  std::erase_if(patterns, [](const Pattern& pattern) { return pattern.text.empty(); });
  std::stable_sort(patterns.begin(), patterns.end(),
                   [](const Pattern& a, const Pattern& b) { return a.text < b.text; });
  if (patterns.empty()) return;
  nodes_.emplace_back();
  std::deque<Range> open = {{0, patterns.size(), 0, 0}};
  while (!open.empty()) {
    const Range range = open.front();
    open.pop_front();
    size_t at = range.begin;
    if (patterns[at].text.size() == range.depth) {
      nodes_[range.node].value = patterns[at].value;
      while (at < range.end && patterns[at].text.size() == range.depth) ++at;
    }
    nodes_[range.node].first_child = static_cast<int32_t>(nodes_.size());
    while (at < range.end) {
      const char byte = patterns[at].text[range.depth];
      size_t end = at;
      while (end < range.end && patterns[end].text[range.depth] == byte) ++end;
      open.push_back({at, end, range.depth + 1, static_cast<int32_t>(nodes_.size())});
      nodes_.push_back({.byte = static_cast<unsigned char>(byte)});
      ++nodes_[range.node].children;
      at = end;
    }
  }
  for (int32_t child = 0; child < nodes_[0].children; ++child) {
    const int32_t node = nodes_[0].first_child + child;
    roots_[nodes_[node].byte] = node;
  }
}

ByteTrie::Match ByteTrie::longest(std::string_view text, size_t at) const {
  Match best;
  if (nodes_.empty() || at >= text.size()) return best;
  int32_t node = roots_[static_cast<unsigned char>(text[at])];
  for (size_t length = 1; node >= 0; ++length) {
    const Node& here = nodes_[node];
    if (here.value >= 0) best = {here.value, length};
    if (at + length >= text.size()) break;
    const auto byte = static_cast<unsigned char>(text[at + length]);
    const Node* begin = nodes_.data() + here.first_child;
    const Node* end = begin + here.children;
    const Node* child = std::lower_bound(
        begin, end, byte, [](const Node& a, unsigned char wanted) { return a.byte < wanted; });
    node = child != end && child->byte == byte ? static_cast<int32_t>(child - nodes_.data()) : -1;
  }
  return best;
}

}  // namespace icl::tokenizer
