// SPDX-License-Identifier: Apache-2.0
#include "icl/tasks/registry.h"

#include <ATen/ATen.h>

#include "functions.h"
#include "icl/base/error.h"
#include "icl/base/text.h"

namespace icl {
namespace {

using namespace functions;

at::Tensor squared_error(const at::Tensor& predictions_BK, const at::Tensor& ys_BK) {
  return (predictions_BK - ys_BK).square();
}

at::Tensor mean_squared_error(const at::Tensor& predictions_BK, const at::Tensor& ys_BK) {
  return squared_error(predictions_BK, ys_BK).mean();
}

// Labels are -1 and 1, predictions are logits.
at::Tensor cross_entropy(const at::Tensor& predictions_BK, const at::Tensor& ys_BK) {
  return at::binary_cross_entropy_with_logits(predictions_BK, (ys_BK + 1) / 2);
}

// 1, or 0 where the signs agree; a prediction of 0 is a guess, and wrong half of the time.
at::Tensor wrong_sign(const at::Tensor& predictions_BK, const at::Tensor& ys_BK) {
  return (1 - predictions_BK.sign() * ys_BK) / 2;
}

constexpr const char* kSquared = "squared error";

Normaliser by_dimensions(const TaskConfig& config) {
  return {"d", static_cast<double>(config.n_dims)};
}
Normaliser by_sparsity(const TaskConfig& config) {
  return {"k", static_cast<double>(config.sparsity)};
}
Normaliser by_one(const TaskConfig& /*config*/) {
  return {"1", 1.0};
}

}  // namespace

const std::vector<TaskInfo>& all_tasks() {
  // clang-format off
  static const std::vector<TaskInfo> tasks = {
      {"decision_tree", "a random full binary tree over the signs of coordinates",
       draw_tree, evaluate_tree, mean_squared_error, squared_error, kSquared, by_one},
      {"linear_classification", "the sign of a linear function",
       draw_linear, evaluate_classification, cross_entropy, wrong_sign, "share of wrong signs", by_one},
      {"linear_regression", "a linear function",
       draw_linear, evaluate_linear, mean_squared_error, squared_error, kSquared, by_dimensions},
      {"noisy_linear_regression", "a linear function with Gaussian noise on y",
       draw_linear, evaluate_linear, mean_squared_error, squared_error, kSquared, by_dimensions},
      {"quadratic_regression", "a linear function of squared coordinates",
       draw_linear, evaluate_quadratic, mean_squared_error, squared_error, kSquared, by_dimensions},
      {"relu_2nn_regression", "a random two-layer ReLU network",
       draw_network, evaluate_network, mean_squared_error, squared_error, kSquared, by_dimensions},
      {"sparse_linear_regression", "a linear function of k coordinates",
       draw_sparse, evaluate_linear, mean_squared_error, squared_error, kSquared, by_sparsity},
  };
  // clang-format on
  return tasks;
}

const TaskInfo& task_info(const std::string& function) {
  std::vector<std::string> names;
  for (const TaskInfo& task : all_tasks()) {
    if (function == task.name) return task;
    names.emplace_back(task.name);
  }
  throw UsageError(str("unknown task function '", function, "'", did_you_mean(function, names),
                       " (known: ", join(names), ")"));
}

}  // namespace icl
