// SPDX-License-Identifier: Apache-2.0
//
// Adam and AdamW over named parameters, in groups, by ATen's fused update.
//
//   Optimizer optimizer(model, config.training.optimizer);
//   optimizer.step(icl::learning_rate(config.training.schedule, config.training.optimizer.lr, step,
//                                     config.training.steps), /*skip=*/at::zeros({}));
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <string>
#include <vector>

#include "icl/io/safetensors.h"
#include "icl/runs/training_config.h"

namespace icl {

// Learning rate at a step (from 0) of `total` (the schedule's own number of steps, if it has one):
// linear warm-up, then constant, linear or cosine decay to final_fraction * peak. Cosine without
// warm-up is lr * (1 + cos(pi step / total)) / 2.
double learning_rate(const ScheduleConfig& schedule, double peak, int64_t step, int64_t total);

class Optimizer {
 public:
  // Throws UsageError when a group matches no parameter.
  Optimizer(torch::nn::Module& model, OptimizerConfig config);

  void zero_grad();
  // Euclidean norm of all gradients, a scalar on their device.
  at::Tensor gradient_norm() const;
  // Multiplies all gradients by a scalar tensor.
  void scale_gradients(const at::Tensor& factor);
  // One update; where `skip` (float32 scalar) is 1 everything stays as it was.
  void step(double lr, const at::Tensor& skip);

  // The first parameter whose gradient, or else whose value, is not finite; "" when all are.
  std::string first_non_finite() const;

  // First and second moments ("exp_avg.NAME", "exp_avg_sq.NAME") and update counts ("steps").
  NamedTensors state() const;
  void load_state(const SafetensorsFile& file);

 private:
  struct Group {
    double lr_factor = 1;
    double weight_decay = 0;
    std::vector<std::string> names;
    std::vector<at::Tensor> parameters, exp_avgs, exp_avg_sqs, steps;
  };

  OptimizerConfig config_;
  std::vector<Group> groups_;
};

}  // namespace icl
