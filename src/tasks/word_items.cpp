// SPDX-License-Identifier: Apache-2.0
#include "icl/tasks/word_items.h"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <unordered_set>

#include "icl/base/error.h"

namespace icl {
namespace {

constexpr const char* kLower = "abcdefghijklmnopqrstuvwxyz";
constexpr const char* kUpper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr const char* kDigits = "0123456789";

// Single characters, with the character that each becomes.
WordItems characters(std::string_view inputs, std::string_view outputs) {
  std::vector<WordPair> pairs;
  for (size_t i = 0; i < inputs.size(); ++i) {
    pairs.push_back({std::string(1, inputs[i]), std::string(1, outputs[i])});
  }
  return WordItems(std::move(pairs));
}

WordItems lists(const char* alphabet, int64_t shortest, int64_t longest,
                std::function<std::string(const std::string&)> output) {
  return WordItems(ListInputs{alphabet, shortest, longest, std::move(output)});
}

}  // namespace

WordItems::WordItems(std::vector<WordPair> pairs)
    : pairs_(std::move(pairs)), n_items_(static_cast<int64_t>(pairs_.size())) {}

WordItems::WordItems(ListInputs lists) : lists_(std::move(lists)) {
  const auto n_letters = static_cast<int64_t>(std::string_view(lists_->alphabet).size());
  int64_t of_length = 1;
  for (int64_t length = 1; length <= lists_->longest; ++length) {
    of_length *= n_letters;
    if (length >= lists_->shortest) n_items_ += of_length;
  }
}

std::vector<WordPair> WordItems::draw(const RandomStream& stream, int64_t count) const {
  if (count < 0 || count > n_items_) {
    throw UsageError(str("cannot draw ", count, " different items of ", n_items_));
  }
  if (lists_) return draw_lists(stream, count);
  std::vector<WordPair> items;
  if (count == 0) return items;
  const at::Tensor order = stream.child("items").permutations(1, n_items_);
  const auto* places = order.data_ptr<int64_t>();
  for (int64_t i = 0; i < count; ++i) items.push_back(pairs_[static_cast<size_t>(places[i])]);
  return items;
}

// Candidates may repeat, and repeats are passed over: twice as many candidates until they suffice.
std::vector<WordPair> WordItems::draw_lists(const RandomStream& stream, int64_t count) const {
  const std::string_view alphabet = lists_->alphabet;
  const int64_t longest = lists_->longest;
  for (int64_t candidates = 2 * count + 8;; candidates *= 2) {
    const at::Tensor lengths =
        stream.child("lengths").integers({candidates}, longest - lists_->shortest + 1);
    const at::Tensor letters = stream.child("letters").integers(
        {candidates, longest}, static_cast<int64_t>(alphabet.size()));
    const auto* length = lengths.data_ptr<int64_t>();
    const auto* letter = letters.data_ptr<int64_t>();
    std::vector<WordPair> items;
    std::unordered_set<std::string> seen;
    for (int64_t i = 0; i < candidates && static_cast<int64_t>(items.size()) < count; ++i) {
      std::string elements;
      for (int64_t j = 0; j < length[i] + lists_->shortest; ++j) {
        elements += alphabet[static_cast<size_t>(letter[i * longest + j])];
      }
      if (!seen.insert(elements).second) continue;
      std::string input;
      for (const char element : elements) {
        input += (input.empty() ? "" : ",") + std::string(1, element);
      }
      items.push_back({input, lists_->output(elements)});
    }
    if (static_cast<int64_t>(items.size()) == count) return items;
  }
}

WordItems algorithmic_items(std::string_view name) {
  const std::string_view lower = kLower;
  const auto letter = [](char c) { return std::string(1, c); };
  if (name == "next_letter") return characters(lower.substr(0, 25), lower.substr(1));
  if (name == "prev_letter") return characters(lower.substr(1), lower.substr(0, 25));
  if (name == "to_upper") return characters(kLower, kUpper);
  if (name == "to_lower") return characters(kUpper, kLower);
  if (name == "char_to_int") return characters(lower.substr(0, 9), "123456789");
  if (name == "int_to_char") return characters("123456789", lower.substr(0, 9));
  if (name == "list_first") {
    return lists(kLower, 2, 4, [=](const std::string& all) { return letter(all.front()); });
  }
  if (name == "list_last") {
    return lists(kLower, 2, 4, [=](const std::string& all) { return letter(all.back()); });
  }
  if (name == "list_min") {
    return lists(kDigits, 2, 4,
                 [=](const std::string& all) { return letter(*std::ranges::min_element(all)); });
  }
  if (name == "list_max") {
    return lists(kDigits, 2, 4,
                 [=](const std::string& all) { return letter(*std::ranges::max_element(all)); });
  }
  if (name == "list_length") {
    return lists(kLower, 1, 3, [](const std::string& all) { return std::to_string(all.size()); });
  }
  throw UsageError(str("'", name, "' is no algorithmic task"));
}

std::string demonstrations_text(std::span<const WordPair> demos) {
  std::string text;
  for (const WordPair& demo : demos) text += "example:" + demo.input + "->" + demo.output + "\n";
  return text;
}

std::string prompt_text(std::span<const WordPair> demos, std::string_view query) {
  return demonstrations_text(demos) + "example:" + std::string(query) + "->";
}

}  // namespace icl
