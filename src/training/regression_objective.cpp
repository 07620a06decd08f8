// SPDX-License-Identifier: Apache-2.0
#include <ATen/ATen.h>

#include "icl/evaluation/evaluate.h"
#include "icl/evaluation/results.h"
#include "icl/evaluation/side_evaluation.h"
#include "icl/models/regression_model.h"
#include "icl/tasks/task_sampler.h"
#include "src/training/mixed_precision.h"
#include "src/training/objectives.h"

namespace icl {
namespace {

std::vector<double> to_vector(const at::Tensor& values) {
  const at::Tensor wide = values.detach().to(at::kCPU, at::kDouble).contiguous();
  return {wide.data_ptr<double>(), wide.data_ptr<double>() + wide.numel()};
}

// Functions of numbers, learnt in context. A batch is xs [B, K, D], ys [B, K] and, as one number,
// the dimensions in use.
class RegressionObjective : public Objective {
 public:
  RegressionObjective(const RunConfig& config, c10::Device device, bool draw_weights)
      : config_(config),
        device_(device),
        sampler_(config.task, static_cast<uint64_t>(config.seed), "train") {
    if (draw_weights) seed_initial_weights(config);
    model_ = std::make_shared<RegressionModel>(
        config.model, config.task.n_dims,
        draw_weights ? Initialization::kPublished : Initialization::kNone);
    model_->to(device);
    model_->train();
  }

  torch::nn::Module& module() override { return *model_; }

  TensorBatch draw(int64_t step) const override {
    const CurriculumStage stage = curriculum_stage(config_.training.curriculum, step);
    const Batch batch = sampler_.sample({.step = step,
                                         .batch_size = config_.training.batch_size,
                                         .n_points = stage.n_points,
                                         .n_dims = stage.n_dims});
    return {batch.xs_BKD, batch.ys_BK, at::scalar_tensor(stage.n_dims, at::kLong)};
  }

  StepLoss loss(const TensorBatch& batch) override {
    const at::Tensor xs_BKD = batch[0].to(device_);
    const at::Tensor ys_BK = batch[1].to(device_);
    at::Tensor predictions_BK;
    {
      const MixedPrecision mixed(config_.training.precision, device_);
      predictions_BK = model_->predict(xs_BKD, ys_BK).to(at::kFloat);
    }
    const auto figures = [this, predictions_BK, ys_BK, n_dims = batch[2]] {
      const at::Tensor zero = at::zeros_like(ys_BK);
      const Function& function = config_.task.function;
      return BatchFigures{.zero_loss = function->loss(zero, ys_BK).item<double>(),
                          .zero_error = function->error(zero, ys_BK).mean().item<double>(),
                          .errors = to_vector(function->error(predictions_BK, ys_BK).mean(0)),
                          .n_points = ys_BK.size(1),
                          .n_dims = n_dims.item<int64_t>()};
    };
    return {config_.task.function->loss(predictions_BK, ys_BK), figures};
  }

  SettingErrors evaluate(const std::function<void()>& poll) override {
    return side_errors(*model_, config_, poll);
  }

  TrainingSummary summarise(const RunFolder&, const std::vector<double>&) override {
    const EvalResult result = final_evaluation(*model_, config_);
    const int64_t n = result.n_points - 1;
    TrainingSummary summary;
    summary.text = line_text(result, n) + "\n";
    nlohmann::ordered_json errors = nlohmann::ordered_json::object();
    for (const Curve& curve : result.curves) errors[curve.name] = curve.mean.back();
    summary.json = {{"schema", "icl.train"}, {"version", 1}, {"n", n}, {"errors", errors}};
    return summary;
  }

 private:
  RunConfig config_;
  c10::Device device_;
  TaskSampler sampler_;
  std::shared_ptr<RegressionModel> model_;
};

}  // namespace

std::unique_ptr<Objective> make_regression_objective(const RunConfig& config, c10::Device device,
                                                     bool draw_weights) {
  return std::make_unique<RegressionObjective>(config, device, draw_weights);
}

}  // namespace icl
