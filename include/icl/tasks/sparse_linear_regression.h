// SPDX-License-Identifier: Apache-2.0
//
// y = scale * w.x where all but k weights are zero; which k of the dimensions in use is uniformly
// random (Garg et al. 2022, section 2).
//
//   icl::TaskConfig task{.function = icl::SparseLinearRegression{.sparsity = 3}, .n_dims = 20};
#pragma once

#include "icl/tasks/function_class.h"

namespace icl {

struct SparseLinearRegression {
  static constexpr const char* kName = "sparse_linear_regression";
  static constexpr const char* kSummary = "a linear function of k coordinates";
  double scale = 1;
  int64_t sparsity = 3;  // k

  void describe(Fields& f);
  void check(int64_t n_dims, Problems& problems) const;
  FunctionTraits traits(int64_t n_dims) const;
  FunctionParameters draw(const FunctionRequest& request, const RandomStream& stream) const;
  at::Tensor evaluate(const FunctionParameters& parameters, const at::Tensor& xs_BKD) const;
};

}  // namespace icl
