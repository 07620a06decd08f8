// SPDX-License-Identifier: Apache-2.0
#include "icl/language/language_model.h"

#include <ATen/ATen.h>

#include <limits>

#include "icl/base/error.h"
#include "icl/base/log.h"
#include "icl/base/shape.h"
#include "src/language/autocast.h"

namespace icl {

LanguageModel::LanguageModel(Parts parts) : parts_(std::move(parts)) {
  ICL_ASSERT(parts_.vocab_size > 0 && parts_.vocab_size <= parts_.n_rows, "a vocabulary of ",
             parts_.vocab_size, " in ", parts_.n_rows, " rows");
  const int64_t width = parts_.backbone->d_model();
  auto embedding = register_module("embedding", std::make_shared<torch::nn::Module>());
  embedding_ = embedding->register_parameter("weight", at::empty({parts_.n_rows, width}));
  register_module("backbone", parts_.backbone);
  head_weight_ = embedding_;
  if (parts_.tied && !parts_.head_bias) return;
  auto head = register_module("head", std::make_shared<torch::nn::Module>());
  if (!parts_.tied) {
    head_weight_ = head->register_parameter("weight", at::empty({parts_.n_rows, width}));
  }
  if (parts_.head_bias) {
    head_bias_ = head->register_parameter("bias", at::empty({parts_.n_rows}));
  }
}

void LanguageModel::reset_parameters() {
  const at::NoGradGuard no_grad;
  constexpr double kStd = 0.02;
  embedding_.normal_(0.0, kStd);
  parts_.backbone->reset_parameters();
  if (!parts_.tied) head_weight_.normal_(0.0, kStd);
  if (head_bias_.defined()) head_bias_.zero_();
}

void LanguageModel::check_ids(const at::Tensor& ids_BT, int64_t seen) {
  check_shape("language model", "ids", ids_BT, {-1, -1});
  check_type("language model", "ids", ids_BT, at::kLong);
  if (ids_BT.numel() == 0) {
    throw UsageError(str("language model: ids ", describe_shape(ids_BT.sizes()),
                         " hold no token; expected at least one"));
  }
  const int64_t low = ids_BT.min().item<int64_t>();
  const int64_t high = ids_BT.max().item<int64_t>();
  if (low < 0 || high >= parts_.n_rows) {
    throw UsageError(
        str("language model: token ", low < 0 ? low : high, ", expected 0 .. ", parts_.n_rows - 1));
  }
  const int64_t length = seen + ids_BT.size(1);
  if (parts_.context_length == 0 || length <= parts_.context_length) return;
  if (parts_.learned_positions) {
    throw UsageError(str("language model: ", length, " tokens exceed the model's context of ",
                         parts_.context_length));
  }
  if (!warned_of_length_) {
    log_warning(str("a sequence of ", length, " tokens is longer than the ", parts_.context_length,
                    " that the model was trained for; the results may be poor"));
  }
  warned_of_length_ = true;
}

at::Tensor LanguageModel::embed(const at::Tensor& ids_BT) const {
  const at::Tensor tokens = at::embedding(embedding_, ids_BT.to(embedding_.device()));
  // The residual stream of a model in a 16-bit type is float32.
  return tokens.scalar_type() == at::kDouble ? tokens : tokens.to(at::kFloat);
}

at::Tensor LanguageModel::head(const at::Tensor& hidden) const {
  const at::Tensor logits = at::linear(
      hidden, head_weight_, head_bias_.defined() ? std::make_optional(head_bias_) : std::nullopt);
  return logits.scalar_type() == at::kDouble ? logits : logits.to(at::kFloat);
}

at::Tensor LanguageModel::masked_head(const at::Tensor& hidden) const {
  at::Tensor logits = head(hidden);
  const int64_t padding = parts_.n_rows - parts_.vocab_size;
  if (padding > 0) {
    logits.narrow(-1, parts_.vocab_size, padding).fill_(-std::numeric_limits<double>::infinity());
  }
  return logits;
}

at::Tensor LanguageModel::logits(const at::Tensor& ids_BT) {
  check_ids(ids_BT, 0);
  const language::Autocast autocast(embedding_.scalar_type(), embedding_.device().type());
  return head(parts_.backbone->forward(embed(ids_BT)));
}

at::Tensor LanguageModel::last_logits(const at::Tensor& ids_BT, const std::vector<int64_t>& lengths,
                                      const Backbone::Tap& tap, const Backbone::Edit& edit) {
  check_ids(ids_BT, 0);
  const int64_t batch = ids_BT.size(0);
  if (static_cast<int64_t>(lengths.size()) != batch) {
    throw UsageError(str("language model: ", lengths.size(), " lengths for ", batch, " sequences"));
  }
  for (const int64_t length : lengths) {
    if (length < 1 || length > ids_BT.size(1)) {
      throw UsageError(
          str("language model: a length of ", length, ", expected 1 .. ", ids_BT.size(1)));
    }
  }
  const language::Autocast autocast(embedding_.scalar_type(), embedding_.device().type());
  const at::Tensor hidden = parts_.backbone->forward(embed(ids_BT), tap, edit);
  const auto device = hidden.device();
  const at::Tensor last = at::tensor(lengths, at::kLong).to(device) - 1;
  return masked_head(hidden.index({at::arange(batch, at::kLong).to(device), last}));
}

State LanguageModel::initial_state(int64_t batch) const {
  return parts_.backbone->initial_state(batch);
}

at::Tensor LanguageModel::next_logits(const at::Tensor& ids_BT, State& state) {
  check_ids(ids_BT, state.length);
  const language::Autocast autocast(embedding_.scalar_type(), embedding_.device().type());
  const at::Tensor hidden = parts_.backbone->forward(embed(ids_BT), state);
  return masked_head(hidden.select(1, hidden.size(1) - 1));
}

int64_t LanguageModel::parameter_count() const {
  int64_t count = 0;
  for (const auto& parameter : parameters()) count += parameter.numel();
  return count;
}

}  // namespace icl
