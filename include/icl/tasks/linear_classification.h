// SPDX-License-Identifier: Apache-2.0
//
// y = sign(w.x) with w ~ N(0, I). Predictions are logits (Garg et al. 2022's code).
//
//   icl::TaskConfig task{.function = icl::LinearClassification{}, .n_dims = 20};
#pragma once

#include "icl/tasks/function_class.h"

namespace icl {

struct LinearClassification {
  static constexpr const char* kName = "linear_classification";
  static constexpr const char* kSummary = "the sign of a linear function";

  FunctionTraits traits(int64_t n_dims) const;
  FunctionParameters draw(const FunctionRequest& request, const RandomStream& stream) const;
  at::Tensor evaluate(const FunctionParameters& parameters, const at::Tensor& xs_BKD) const;
  static at::Tensor loss(const at::Tensor& logits_BK, const at::Tensor& ys_BK);
  static at::Tensor error(const at::Tensor& logits_BK, const at::Tensor& ys_BK);
};

// For labels y of -1 and 1 and predictions that are logits: the mean cross-entropy, and 1 or 0
// where the signs agree. A prediction of 0 is a guess, which is wrong half of the time.
at::Tensor sign_cross_entropy(const at::Tensor& logits_BK, const at::Tensor& ys_BK);
at::Tensor wrong_sign(const at::Tensor& predictions_BK, const at::Tensor& ys_BK);

}  // namespace icl
