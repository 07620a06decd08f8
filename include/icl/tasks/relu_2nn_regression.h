// SPDX-License-Identifier: Apache-2.0
//
// y = sqrt(2 / h) * relu(x W1) W2, all weights N(0, 1) (Garg et al. 2022, section 2).
//
//   icl::TaskConfig task{.function = icl::Relu2nnRegression{.hidden_width = 100}, .n_dims = 20};
#pragma once

#include "icl/tasks/function_class.h"

namespace icl {

struct Relu2nnRegression {
  static constexpr const char* kName = "relu_2nn_regression";
  static constexpr const char* kSummary = "a random two-layer ReLU network";
  int64_t hidden_width = 100;  // h

  void describe(Fields& f);
  FunctionTraits traits(int64_t n_dims) const;
  FunctionParameters draw(const FunctionRequest& request, const RandomStream& stream) const;
  at::Tensor evaluate(const FunctionParameters& parameters, const at::Tensor& xs_BKD) const;
  Function transfer() const;
};

}  // namespace icl
