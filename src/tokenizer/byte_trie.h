// SPDX-License-Identifier: Apache-2.0
//
// The longest of many patterns that a text begins with.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace icl::tokenizer {

class ByteTrie {
 public:
  struct Pattern {
    std::string text;
    int32_t value;
  };
  struct Match {
    int32_t value = -1;
    size_t length = 0;  // 0: nothing matches
  };

  // Empty patterns match nothing; of equal patterns the first counts.
  explicit ByteTrie(std::vector<Pattern> patterns = {});

  // The longest pattern that begins at `at`.
  Match longest(std::string_view text, size_t at) const;

  // First place at or after `at` where some pattern may begin; the size when there is none.
  size_t next_candidate(std::string_view text, size_t at) const {
    if (nodes_.empty()) return text.size();
    while (at < text.size() && roots_[static_cast<unsigned char>(text[at])] < 0) ++at;
    return at;
  }

 private:
  // Children of a node lie side by side, sorted by byte.
  struct Node {
    int32_t value = -1;
    int32_t first_child = 0;
    uint16_t children = 0;
    unsigned char byte = 0;
  };
  std::vector<Node> nodes_;
  std::array<int32_t, 256> roots_{};
};

}  // namespace icl::tokenizer
