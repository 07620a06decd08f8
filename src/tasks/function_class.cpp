// SPDX-License-Identifier: Apache-2.0
//
// The classes of functions that icl has.
#include "icl/tasks/function_class.h"

#include <ATen/ATen.h>

#include "icl/tasks/decision_tree.h"
#include "icl/tasks/linear_classification.h"
#include "icl/tasks/linear_regression.h"
#include "icl/tasks/noisy_linear_regression.h"
#include "icl/tasks/quadratic_regression.h"
#include "icl/tasks/relu_2nn_regression.h"
#include "icl/tasks/sparse_linear_regression.h"

namespace icl {

Kinds<FunctionInterface>& FunctionInterface::table() {
  static Kinds<FunctionInterface> tasks = [] {
    Kinds<FunctionInterface> table;
    table.add<DecisionTree>();
    table.add<LinearClassification>();
    table.add<LinearRegression>();
    table.add<NoisyLinearRegression>();
    table.add<QuadraticRegression>();
    table.add<Relu2nnRegression>();
    table.add<SparseLinearRegression>();
    return table;
  }();
  return tasks;
}

FunctionTraits default_traits() {
  return {};
}

at::Tensor squared_error(const at::Tensor& predictions_BK, const at::Tensor& ys_BK) {
  return (predictions_BK - ys_BK).square();
}

at::Tensor mean_squared_error(const at::Tensor& predictions_BK, const at::Tensor& ys_BK) {
  return squared_error(predictions_BK, ys_BK).mean();
}

}  // namespace icl
