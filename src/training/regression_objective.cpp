// SPDX-License-Identifier: Apache-2.0
#include "src/training/objectives.h"

#include <ATen/ATen.h>

#include "icl/base/random.h"
#include "icl/tasks/registry.h"
#include "icl/tasks/task_sampler.h"
#include "src/training/mixed_precision.h"

namespace icl {
namespace {

std::vector<double> to_vector(const at::Tensor& values) {
  const at::Tensor wide = values.detach().to(at::kCPU, at::kDouble).contiguous();
  return {wide.data_ptr<double>(), wide.data_ptr<double>() + wide.numel()};
}

// Functions of numbers, learnt in context.
class RegressionObjective : public Objective {
 public:
  RegressionObjective(const RunConfig& config, c10::Device device)
      : config_(config),
        device_(device),
        sampler_(config.task, static_cast<uint64_t>(config.seed), "train") {
    seed_initial_weights(config);
    model_ = std::make_shared<RegressionModel>(config.model, config.task.n_dims);
    model_->to(device);
    model_->train();
  }

  torch::nn::Module& module() override { return *model_; }
  int64_t parameter_count() const override { return model_->parameter_count(); }
  RegressionModel* regression() override { return model_.get(); }

  StepLoss loss(int64_t step, const CurriculumStage& stage) override {
    const Batch batch = sampler_.sample({.step = step,
                                         .batch_size = config_.training.batch_size,
                                         .n_points = stage.n_points,
                                         .n_dims = stage.n_dims});
    const at::Tensor xs_BKD = batch.xs_BKD.to(device_);
    const at::Tensor ys_BK = batch.ys_BK.to(device_);
    at::Tensor predictions_BK;
    {
      const MixedPrecision mixed(config_.training.precision, device_);
      predictions_BK = model_->predict(xs_BKD, ys_BK).to(at::kFloat);
    }
    const TaskInfo& task = task_info(config_.task.function);
    const auto figures = [&task, predictions_BK, ys_BK] {
      const at::Tensor zero = at::zeros_like(ys_BK);
      return BatchFigures{.zero_loss = task.loss(zero, ys_BK).item<double>(),
                          .zero_error = task.error(zero, ys_BK).mean().item<double>(),
                          .errors = to_vector(task.error(predictions_BK, ys_BK).mean(0))};
    };
    return {task.loss(predictions_BK, ys_BK), figures};
  }

 private:
  RunConfig config_;
  c10::Device device_;
  TaskSampler sampler_;
  std::shared_ptr<RegressionModel> model_;
};

}  // namespace

void seed_initial_weights(const RunConfig& config) {
  at::manual_seed(RandomStream(static_cast<uint64_t>(config.seed), "initial weights").key());
}

bool trains_language(const RunConfig& config) {
  return config.task.function == "language";
}

std::unique_ptr<Objective> make_objective(const RunConfig& config, c10::Device device) {
  if (trains_language(config)) return make_language_objective(config, device);
  return std::make_unique<RegressionObjective>(config, device);
}

}  // namespace icl
