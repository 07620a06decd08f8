// SPDX-License-Identifier: Apache-2.0
#include "icl/language/generate.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "icl/base/error.h"

namespace icl {

std::vector<int64_t> likeliest(const at::Tensor& logits_BV) {
  const auto [highest, best_B] = at::max(logits_BV, 1);
  if (!at::isfinite(highest).all().item<bool>()) {
    throw DataError(
        "the model's logits hold NaN or infinity, so that no token is the likeliest (float16 holds "
        "numbers up to 65504; --dtype bfloat16 and float32 go further)");
  }
  const at::Tensor best = best_B.cpu();
  const auto* const data = best.const_data_ptr<int64_t>();
  return {data, data + best.numel()};
}

std::vector<int64_t> generate(LanguageModel& model, const std::vector<int64_t>& ids, int64_t count,
                              std::span<const int64_t> end_tokens) {
  const int64_t context = model.longest_sequence();
  const auto given = static_cast<int64_t>(ids.size());
  if (context > 0 && given + count - 1 > context) {
    throw UsageError(
        str(given, " tokens and ", count, " new ones do not fit the model's context of ", context));
  }
  const at::NoGradGuard no_grad;
  std::vector<int64_t> added;
  State state = model.initial_state(1);
  at::Tensor next = at::tensor(ids, at::kLong).unsqueeze(0);
  while (static_cast<int64_t>(added.size()) < count) {
    added.push_back(likeliest(model.next_logits(next, state)).front());
    if (std::find(end_tokens.begin(), end_tokens.end(), added.back()) != end_tokens.end()) break;
    next = at::full({1, 1}, added.back(), at::kLong);
  }
  return added;
}

}  // namespace icl
