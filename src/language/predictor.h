// SPDX-License-Identifier: Apache-2.0
//
// One greedy token after each of many prompts.
//
//   Predictor predictor(model, tokenizer, /*batch_size=*/32);
//   std::vector<std::string> texts = predictor.predict({predictor.encode("example:a->")});
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "icl/language/language_model.h"
#include "icl/tokenizer/tokenizer.h"

namespace icl {

using TokenIds = std::vector<int64_t>;

// What to do with the rows of a batch, each at its place in the list of prompts.
struct BatchRows {
  std::vector<int64_t> prompts;  // indices into the prompts given
  std::vector<int64_t> lengths;  // tokens of each
};

class Predictor {
 public:
  // Throws DataError when the tokenizer's vocabulary has ids that the model lacks. Where only added
  // tokens have such ids, a warning says so.
  Predictor(LanguageModel& model, const Tokenizer& tokenizer, int64_t batch_size);

  // Throws DataError for a text with an added token that the model lacks.
  TokenIds encode(const std::string& text) const;
  bool fits(const TokenIds& ids) const;

  // The text of the likeliest token after each prompt, in the order given. Batches hold prompts of
  // similar length, padded on the right. `tap` and `edit` see the rows of their batch. `progress`,
  // called with the number of prompts just done, stops the work by returning false: the result is
  // then empty.
  using RowTap = std::function<void(const BatchRows&, int64_t layer, const at::Tensor&)>;
  using RowEdit = std::function<at::Tensor(const BatchRows&, int64_t layer, const at::Tensor&)>;
  std::vector<std::string> predict(const std::vector<TokenIds>& prompts,
                                   const std::function<bool(int64_t)>& progress = {},
                                   const RowTap& tap = {}, const RowEdit& edit = {});

  // The same after a state of batch 1, which each of the continuations continues by itself.
  std::vector<std::string> predict_after(const State& state,
                                         const std::vector<TokenIds>& continuations);
  // Continues the state.
  void advance(State& state, const TokenIds& ids);
  State initial_state() const { return model_.initial_state(1); }
  LanguageModel& model() { return model_; }

 private:
  at::Tensor to_tensor(const std::vector<int64_t>& values, at::IntArrayRef shape) const;
  std::string text_of(int64_t id) const;
  std::vector<std::string> texts_of(const at::Tensor& logits_BV) const;
  std::vector<BatchRows> batches_of(const std::vector<TokenIds>& prompts, bool equal_lengths) const;

  LanguageModel& model_;
  const Tokenizer& tokenizer_;
  int64_t batch_size_;
  c10::Device device_;
};

}  // namespace icl
