// SPDX-License-Identifier: Apache-2.0
#include "icl/tasks/sparse_linear_regression.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "icl/base/error.h"
#include "icl/tasks/linear_regression.h"

namespace icl {

void SparseLinearRegression::describe(Fields& f) {
  describe_scale(f, scale);
  f.integer("sparsity", sparsity, at_least(1), "number k of non-zero weights");
}

void SparseLinearRegression::check(int64_t n_dims, Problems& problems) const {
  if (sparsity <= n_dims) return;
  problems.add("sparsity", str(sparsity, ", expected at most task.n_dims (", n_dims, ")"));
}

FunctionTraits SparseLinearRegression::traits(int64_t) const {
  return {.normaliser = {"k", static_cast<double>(sparsity)},
          .linear = true,
          .weight_variance = scale * scale,
          .baselines = {"zero", "least_squares", "nearest_3", "averaging", "lasso_1", "lasso_0.1",
                        "lasso_0.01", "lasso_0.001", "lasso_0.0001"}};
}

FunctionParameters SparseLinearRegression::draw(const FunctionRequest& request,
                                                const RandomStream& stream) const {
  const int64_t k = std::min(sparsity, request.used_dims);
  const at::Tensor kept =
      stream.child("support").permutations(request.count, request.used_dims).slice(1, 0, k);
  const at::Tensor mask = at::zeros({request.count, request.n_dims}).scatter_(1, kept, 1.0);
  return {draw_weights(request, stream)[0] * mask};
}

at::Tensor SparseLinearRegression::evaluate(const FunctionParameters& parameters,
                                            const at::Tensor& xs_BKD) const {
  return linear_values(parameters, xs_BKD) * scale;
}

}  // namespace icl
