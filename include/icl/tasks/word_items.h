// SPDX-License-Identifier: Apache-2.0
//
// Mappings from one word to another as demonstrations of a task (Hendel et al. 2023), and the text
// of prompts made of them. What a pre-trained language model is asked, and what a small one is
// trained on.
//
//   const icl::WordItems items = icl::algorithmic_items("next_letter");
//   const auto pairs = items.draw(icl::RandomStream(1, "prompts"), /*count=*/6);
//   icl::prompt_text({{"a", "b"}}, "c");                 // "example:a->b\nexample:c->"
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "icl/base/random.h"

namespace icl {

// One demonstration, or a query with its answer. A leading space belongs to the text.
struct WordPair {
  std::string input;
  std::string output;

  bool operator==(const WordPair&) const = default;
};

// Inputs that are lists of characters, such as "c,a,d": the length uniform in [shortest, longest],
// each element uniform in the alphabet, with replacement. `output` maps the elements "cad" to the
// answer.
struct ListInputs {
  const char* alphabet;
  int64_t shortest;
  int64_t longest;
  std::function<std::string(const std::string& elements)> output;
};

// The items of a task: a list of pairs, or lists of characters that are too many to list.
class WordItems {
 public:
  explicit WordItems(std::vector<WordPair> pairs);
  explicit WordItems(ListInputs lists);

  // Distinct inputs that can be drawn.
  int64_t n_items() const { return n_items_; }
  // All items; empty for lists of characters.
  const std::vector<WordPair>& pairs() const { return pairs_; }
  // `count` items with distinct inputs, a pure function of the stream; a longer draw begins with
  // the shorter one. At most n_items(): more is a UsageError.
  std::vector<WordPair> draw(const RandomStream& stream, int64_t count) const;

 private:
  std::vector<WordPair> draw_lists(const RandomStream& stream, int64_t count) const;

  std::vector<WordPair> pairs_;
  std::optional<ListInputs> lists_;
  int64_t n_items_ = 0;
};

// The items of an algorithmic task: next_letter, prev_letter, to_upper, to_lower, char_to_int,
// int_to_char, list_first, list_last, list_min, list_max, list_length. Throws UsageError for
// another.
WordItems algorithmic_items(std::string_view name);

// "example:INPUT->OUTPUT\n" for each demonstration.
std::string demonstrations_text(std::span<const WordPair> demos);
// The demonstrations and "example:QUERY->", with nothing after it.
std::string prompt_text(std::span<const WordPair> demos, std::string_view query);

}  // namespace icl
