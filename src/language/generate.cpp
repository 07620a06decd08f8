// SPDX-License-Identifier: Apache-2.0
#include "icl/language/generate.h"

#include <ATen/ATen.h>

#include "icl/base/error.h"

namespace icl {

std::vector<int64_t> likeliest(const at::Tensor& logits_BV) {
  const at::Tensor best = at::argmax(logits_BV, 1).cpu();
  const auto* const data = best.const_data_ptr<int64_t>();
  return {data, data + best.numel()};
}

std::vector<int64_t> generate(LanguageModel& model, const std::vector<int64_t>& ids,
                              int64_t count) {
  const int64_t context = model.context_length();
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
    next = at::full({1, 1}, added.back(), at::kLong);
  }
  return added;
}

}  // namespace icl
