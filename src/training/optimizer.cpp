// SPDX-License-Identifier: Apache-2.0
#include "icl/training/optimizer.h"

#include <ATen/ATen.h>

#include <cmath>
#include <numbers>

#include "icl/base/error.h"

namespace icl {
namespace {

std::vector<at::Tensor> gradients_of(const std::vector<at::Tensor>& parameters) {
  std::vector<at::Tensor> gradients;
  for (const at::Tensor& parameter : parameters) {
    gradients.push_back(parameter.grad().defined() ? parameter.grad() : at::zeros_like(parameter));
  }
  return gradients;
}

struct UpdateTensors {
  at::TensorList parameters;
  std::vector<at::Tensor> gradients;
  at::TensorList exp_avgs, exp_avg_sqs, steps;
};

// Kingma and Ba 2015, algorithm 1; weight decay is added to the gradient.
void fused_adam(const UpdateTensors& t, double lr, double weight_decay,
                const OptimizerConfig& config, const at::Tensor& skip) {
  at::_fused_adam_(t.parameters, t.gradients, t.exp_avgs, t.exp_avg_sqs, /*max_exp_avg_sqs=*/{},
                   t.steps, lr, config.beta1, config.beta2, weight_decay, config.eps,
                   /*amsgrad=*/false, /*maximize=*/false, /*grad_scale=*/{}, skip);
}

// Loshchilov and Hutter 2019, algorithm 2: weight decay acts on the parameters themselves.
void fused_adamw(const UpdateTensors& t, double lr, double weight_decay,
                 const OptimizerConfig& config, const at::Tensor& skip) {
  at::_fused_adamw_(t.parameters, t.gradients, t.exp_avgs, t.exp_avg_sqs, /*max_exp_avg_sqs=*/{},
                    t.steps, lr, config.beta1, config.beta2, weight_decay, config.eps,
                    /*amsgrad=*/false, /*maximize=*/false, /*grad_scale=*/{}, skip);
}

bool all_finite(const at::Tensor& tensor) {
  return at::isfinite(tensor).all().item<bool>();
}

}  // namespace

double learning_rate(const ScheduleConfig& schedule, double peak, int64_t step, int64_t total) {
  if (schedule.steps > 0) total = schedule.steps;
  const int64_t warmup = schedule.warmup_steps;
  if (step < warmup) return peak * static_cast<double>(step + 1) / static_cast<double>(warmup);
  if (schedule.name == "constant") return peak;
  const double progress =
      std::min(1.0, static_cast<double>(step - warmup) /
                        static_cast<double>(std::max<int64_t>(1, total - warmup)));
  const double fraction =
      schedule.name == "cosine" ? (1 + std::cos(std::numbers::pi * progress)) / 2 : 1 - progress;
  return peak * (schedule.final_fraction + (1 - schedule.final_fraction) * fraction);
}

Optimizer::Optimizer(torch::nn::Module& model, OptimizerConfig config)
    : config_(std::move(config)) {
  for (const ParameterGroupConfig& group : config_.groups) {
    groups_.push_back({.lr_factor = group.lr_factor, .weight_decay = group.weight_decay});
  }
  groups_.push_back({.lr_factor = 1, .weight_decay = config_.weight_decay});
  for (const auto& item : model.named_parameters()) {
    const at::Tensor& parameter = item.value();
    if (!parameter.requires_grad()) continue;
    size_t index = 0;
    while (index < config_.groups.size() &&
           item.key().find(config_.groups[index].match) == std::string::npos) {
      ++index;
    }
    Group& group = groups_[index];
    group.names.push_back(item.key());
    group.parameters.push_back(parameter);
    group.exp_avgs.push_back(at::zeros_like(parameter));
    group.exp_avg_sqs.push_back(at::zeros_like(parameter));
    group.steps.push_back(at::zeros({}, parameter.options().dtype(at::kFloat)));
  }
  for (size_t i = 0; i < config_.groups.size(); ++i) {
    if (groups_[i].names.empty()) {
      throw UsageError(str("training.optimizer.groups.", i, ".match: \"", config_.groups[i].match,
                           "\" is in the name of no parameter"));
    }
  }
}

void Optimizer::zero_grad() {
  for (Group& group : groups_) {
    for (at::Tensor& parameter : group.parameters) parameter.mutable_grad().reset();
  }
}

at::Tensor Optimizer::gradient_norm() const {
  std::vector<at::Tensor> norms;
  for (const Group& group : groups_) {
    if (group.parameters.empty()) continue;
    for (const at::Tensor& norm : at::_foreach_norm(gradients_of(group.parameters))) {
      norms.push_back(norm.to(at::kFloat));
    }
  }
  return at::stack(norms).norm();
}

void Optimizer::scale_gradients(const at::Tensor& factor) {
  for (Group& group : groups_) {
    if (group.parameters.empty()) continue;
    const std::vector<at::Tensor> gradients = gradients_of(group.parameters);
    at::_foreach_mul_(gradients, factor);
  }
}

void Optimizer::step(double lr, const at::Tensor& skip) {
  const at::NoGradGuard no_grad;
  const auto update = config_.name == "adamw" ? &fused_adamw : &fused_adam;
  for (Group& group : groups_) {
    if (group.parameters.empty()) continue;
    at::_foreach_add_(group.steps, 1 - skip);
    const UpdateTensors tensors{group.parameters, gradients_of(group.parameters), group.exp_avgs,
                                group.exp_avg_sqs, group.steps};
    update(tensors, lr * group.lr_factor, group.weight_decay, config_, skip);
  }
}

std::string Optimizer::first_non_finite() const {
  for (const Group& group : groups_) {
    const std::vector<at::Tensor> gradients = gradients_of(group.parameters);
    for (size_t i = 0; i < group.names.size(); ++i) {
      if (!all_finite(gradients[i])) return "the gradient of " + group.names[i];
    }
  }
  for (const Group& group : groups_) {
    for (size_t i = 0; i < group.names.size(); ++i) {
      if (!all_finite(group.parameters[i])) return group.names[i];
    }
  }
  return "";
}

NamedTensors Optimizer::state() const {
  NamedTensors tensors;
  for (const Group& group : groups_) {
    for (size_t i = 0; i < group.names.size(); ++i) {
      tensors.emplace_back("exp_avg." + group.names[i], group.exp_avgs[i]);
      tensors.emplace_back("exp_avg_sq." + group.names[i], group.exp_avg_sqs[i]);
      tensors.emplace_back("steps." + group.names[i], group.steps[i]);
    }
  }
  return tensors;
}

void Optimizer::load_state(const SafetensorsFile& file) {
  const at::NoGradGuard no_grad;
  for (const auto& [name, tensor] : state()) {
    at::Tensor(tensor).copy_(file.tensor(name, tensor.scalar_type(), tensor.sizes()));
  }
}

}  // namespace icl
