// SPDX-License-Identifier: Apache-2.0
//
// Every function class by name: what it is, how predictions are judged, how errors are normalised.
// Reading src/tasks/registry.cpp is reading the tasks.
//
//   const TaskInfo& task = task_info("decision_tree");
//   at::Tensor loss = task.loss(predictions_BK, ys_BK);
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "icl/base/random.h"
#include "icl/config/task_config.h"

namespace icl {

// What errors are divided by in curves, so that always predicting zero scores about 1 (where the
// error is a share of wrong signs, about 1/2).
struct Normaliser {
  std::string name;  // "d", "k" or "1"
  double value = 1;
};

// Parameters of `count` functions of a class, each with the functions in front.
using FunctionParameters = std::vector<at::Tensor>;

struct TaskInfo {
  const char* name;
  const char* summary;

  // Draws functions; only the first n_dims coordinates matter to them where the class says so.
  FunctionParameters (*draw)(const TaskConfig& config, const RandomStream& stream, int64_t count,
                             int64_t n_dims);
  // Noiseless values [B, K] at xs [B, K, D].
  at::Tensor (*evaluate)(const TaskConfig& config, const FunctionParameters& parameters,
                         const at::Tensor& xs_BKD);
  // Training loss, a scalar: the mean over prompts and points.
  at::Tensor (*loss)(const at::Tensor& predictions_BK, const at::Tensor& ys_BK);
  // Error of each prediction [B, K].
  at::Tensor (*error)(const at::Tensor& predictions_BK, const at::Tensor& ys_BK);
  const char* metric;  // what the mean of these errors is called
  Normaliser (*normaliser)(const TaskConfig& config);
};

const std::vector<TaskInfo>& all_tasks();

// Throws UsageError with the known names and the nearest one.
const TaskInfo& task_info(const std::string& function);

}  // namespace icl
