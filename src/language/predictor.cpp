// SPDX-License-Identifier: Apache-2.0
#include "src/language/predictor.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>

#include "icl/base/error.h"
#include "icl/base/log.h"
#include "icl/language/generate.h"
#include "icl/language/scoring.h"

namespace icl {
namespace {

// At most so many tokens in a batch, so that long prompts do not take all memory.
constexpr int64_t kMostTokens = 16384;

}  // namespace

Predictor::Predictor(LanguageModel& model, const Tokenizer& tokenizer, int64_t batch_size)
    : model_(model),
      tokenizer_(tokenizer),
      batch_size_(batch_size),
      device_(model.parameters().front().device()) {
  if (tokenizer.vocab_size() <= model.n_rows()) return;
  if (tokenizer.base_vocab_size() > model.n_rows()) {
    throw DataError(str("the tokenizer has ids up to ", tokenizer.base_vocab_size() - 1,
                        ", the model only ", model.n_rows(),
                        " rows: they do not belong together (--tokenizer names another)"));
  }
  log_warning(str("the tokenizer has ids up to ", tokenizer.vocab_size() - 1, ", the model only ",
                  model.n_rows(), " rows: the added tokens beyond these cannot be used"));
}

TokenIds Predictor::encode(const std::string& text) const {
  TokenIds ids = tokenizer_.encode(text, true);
  for (const int64_t id : ids) {
    if (id < model_.n_rows()) continue;
    throw DataError(str("the prompt holds the added token '", tokenizer_.decode({&id, 1}, true),
                        "' with the id ", id, ", for which the model has no row: it has ",
                        model_.n_rows()));
  }
  return ids;
}

bool Predictor::fits(const TokenIds& ids) const {
  const int64_t context = model_.longest_sequence();
  return context == 0 || static_cast<int64_t>(ids.size()) <= context;
}

at::Tensor Predictor::to_tensor(const std::vector<int64_t>& values, at::IntArrayRef shape) const {
  return at::tensor(values, at::kLong).view(shape).to(device_);
}

std::string Predictor::text_of(int64_t id) const {
  try {
    return answer_in(tokenizer_.decode({&id, 1}));
  } catch (const DataError&) {
    return "";  // an id between tokens that stands for none
  }
}

std::vector<std::string> Predictor::texts_of(const at::Tensor& logits_BV) const {
  // Rows that only pad the embedding stand for no token of the tokenizer.
  const int64_t rows = std::min(tokenizer_.vocab_size(), logits_BV.size(1));
  std::vector<std::string> texts;
  for (const int64_t id : likeliest(logits_BV.narrow(1, 0, rows))) texts.push_back(text_of(id));
  return texts;
}

std::vector<BatchRows> Predictor::batches_of(const std::vector<TokenIds>& prompts,
                                             bool equal_lengths) const {
  const auto length = [&](int64_t i) {
    return static_cast<int64_t>(prompts[static_cast<size_t>(i)].size());
  };
  std::vector<int64_t> order(prompts.size());
  std::iota(order.begin(), order.end(), 0);
  // The longest prompts come first, so that a lack of memory shows at once.
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return length(a) > length(b); });
  // Beyond this length, padding would change what the model computes for a sequence.
  const int64_t uniform = model_.uniform_length();
  std::vector<BatchRows> batches;
  for (const int64_t i : order) {
    const bool alike = equal_lengths || (uniform > 0 && length(order.front()) > uniform);
    const bool open = !batches.empty() && [&] {
      const std::vector<int64_t>& lengths = batches.back().lengths;
      const auto rows = static_cast<int64_t>(lengths.size());
      return rows < batch_size_ && (rows + 1) * lengths.front() <= kMostTokens &&
             (!alike || lengths.front() == length(i));
    }();
    if (!open) batches.emplace_back();
    batches.back().prompts.push_back(i);
    batches.back().lengths.push_back(length(i));
  }
  return batches;
}

std::vector<std::string> Predictor::predict(const std::vector<TokenIds>& prompts,
                                            const std::function<bool(int64_t)>& progress,
                                            const RowTap& tap, const RowEdit& edit) {
  const at::NoGradGuard no_grad;
  std::vector<std::string> texts(prompts.size());
  for (const BatchRows& rows : batches_of(prompts, /*equal_lengths=*/false)) {
    const int64_t longest = rows.lengths.front();
    std::vector<int64_t> ids;
    for (const int64_t i : rows.prompts) {
      const TokenIds& prompt = prompts[static_cast<size_t>(i)];
      ids.insert(ids.end(), prompt.begin(), prompt.end());
      ids.resize(ids.size() + static_cast<size_t>(longest) - prompt.size(), 0);
    }
    const auto n_rows = static_cast<int64_t>(rows.prompts.size());
    Backbone::Tap row_tap;
    Backbone::Edit row_edit;
    if (tap)
      row_tap = [&](int64_t layer, const at::Tensor& residual) { tap(rows, layer, residual); };
    if (edit) {
      row_edit = [&](int64_t layer, const at::Tensor& residual) {
        return edit(rows, layer, residual);
      };
    }
    const std::vector<std::string> found = texts_of(
        model_.last_logits(to_tensor(ids, {n_rows, longest}), rows.lengths, row_tap, row_edit));
    for (size_t i = 0; i < found.size(); ++i) {
      texts[static_cast<size_t>(rows.prompts[i])] = found[i];
    }
    if (progress && !progress(n_rows)) return {};
  }
  return texts;
}

std::vector<std::string> Predictor::predict_after(const State& state,
                                                  const std::vector<TokenIds>& continuations) {
  const at::NoGradGuard no_grad;
  std::vector<std::string> texts(continuations.size());
  for (const BatchRows& rows : batches_of(continuations, /*equal_lengths=*/true)) {
    std::vector<int64_t> ids;
    for (const int64_t i : rows.prompts) {
      const TokenIds& part = continuations[static_cast<size_t>(i)];
      ids.insert(ids.end(), part.begin(), part.end());
    }
    const auto n_rows = static_cast<int64_t>(rows.prompts.size());
    State branched = state.select(at::zeros({n_rows}, at::kLong));
    const std::vector<std::string> found =
        texts_of(model_.next_logits(to_tensor(ids, {n_rows, rows.lengths.front()}), branched));
    for (size_t i = 0; i < found.size(); ++i) {
      texts[static_cast<size_t>(rows.prompts[i])] = found[i];
    }
  }
  return texts;
}

void Predictor::advance(State& state, const TokenIds& ids) {
  if (ids.empty()) return;
  const at::NoGradGuard no_grad;
  model_.next_logits(to_tensor(ids, {1, static_cast<int64_t>(ids.size())}), state);
}

}  // namespace icl
