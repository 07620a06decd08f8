// SPDX-License-Identifier: Apache-2.0
#include "icl/tasks/linear_classification.h"

#include <ATen/ATen.h>

#include "icl/tasks/linear_regression.h"

namespace icl {

at::Tensor sign_cross_entropy(const at::Tensor& logits_BK, const at::Tensor& ys_BK) {
  return at::binary_cross_entropy_with_logits(logits_BK, (ys_BK + 1) / 2);
}

at::Tensor wrong_sign(const at::Tensor& predictions_BK, const at::Tensor& ys_BK) {
  return (1 - predictions_BK.sign() * ys_BK) / 2;
}

FunctionTraits LinearClassification::traits(int64_t) const {
  return {.metric = "share of wrong signs",
          .scales = false,
          .baselines = {"zero", "nearest_3", "averaging"}};
}

FunctionParameters LinearClassification::draw(const FunctionRequest& request,
                                              const RandomStream& stream) const {
  return draw_weights(request, stream);
}

at::Tensor LinearClassification::evaluate(const FunctionParameters& parameters,
                                          const at::Tensor& xs_BKD) const {
  return linear_values(parameters, xs_BKD).sign();
}

at::Tensor LinearClassification::loss(const at::Tensor& logits_BK, const at::Tensor& ys_BK) {
  return sign_cross_entropy(logits_BK, ys_BK);
}

at::Tensor LinearClassification::error(const at::Tensor& logits_BK, const at::Tensor& ys_BK) {
  return wrong_sign(logits_BK, ys_BK);
}

}  // namespace icl
