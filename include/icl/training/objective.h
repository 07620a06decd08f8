// SPDX-License-Identifier: Apache-2.0
//
// What is trained: a model, its batches and its loss. The seam of training: the trainer knows no
// more than this, so that any model and any data are trained by the same loop, with its resume, its
// metrics and its side evaluation.
//
//   class Identity : public icl::Objective {             // learns y = x
//    public:
//     torch::nn::Module& module() override { return *linear_; }
//     icl::TensorBatch draw(int64_t step) const override {
//       return {icl::RandomStream(1, "train").at_step(step).normal({64, 8})};
//     }
//     icl::StepLoss loss(const icl::TensorBatch& batch) override {
//       const at::Tensor loss = (linear_->forward(batch[0]) - batch[0]).square().mean();
//       return {loss, [] { return icl::BatchFigures{.zero_loss = 1}; }};
//     }
//    private:
//     std::shared_ptr<icl::Linear> linear_ = std::make_shared<icl::Linear>(8, 8);
//   };
//   icl::Trainer trainer(config, std::make_unique<Identity>(), c10::kCPU);
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "icl/runs/run_config.h"
#include "icl/runs/run_folder.h"

namespace icl {

// The tensors of a batch, prompts or sequences in front, on the CPU.
using TensorBatch = std::vector<at::Tensor>;

// What is logged of a batch beside its loss.
struct BatchFigures {
  double zero_loss = 0;        // of always predicting zero
  double zero_error = 0;       // the same, mean over prompts and points
  std::vector<double> errors;  // per point, mean over prompts
  int64_t n_points = 0;        // of each prompt
  int64_t n_dims = 0;          // of an input; 0 where there are none
};

struct StepLoss {
  at::Tensor loss;  // scalar, with a graph
  std::function<BatchFigures()> figures;
};

// Errors by point of each setting, in the order of evaluation.suites.
using SettingErrors = std::vector<std::pair<std::string, std::vector<double>>>;

// How good a trained model is: for people, and as JSON.
struct TrainingSummary {
  std::string text;
  nlohmann::ordered_json json;
};

class Objective {
 public:
  virtual ~Objective() = default;

  // On the device, in training mode, its weights drawn.
  virtual torch::nn::Module& module() = 0;
  // A pure function of the step: batches can be prepared ahead, replayed, and split.
  virtual TensorBatch draw(int64_t step) const = 0;
  virtual StepLoss loss(const TensorBatch& batch) = 0;

  // Side evaluation, the model in evaluation mode. The mean of the first setting decides which
  // checkpoint is best. `poll` is called at least once a second and may throw to stop.
  virtual SettingErrors evaluate(const std::function<void()>& poll);
  // Leaves in the run folder what other programs read, when training is finished.
  virtual void export_model(const RunFolder& folder);
  // After training. `last_errors` are those of the last logged batch.
  virtual TrainingSummary summarise(const RunFolder& folder,
                                    const std::vector<double>& last_errors);

  int64_t parameter_count();
};

// The objective of a config, with weights drawn from the config's seed, or taken from the run that
// `init_from` names. Throws UsageError for a config whose parts do not fit together.
std::unique_ptr<Objective> make_objective(const RunConfig& config, c10::Device device);

// A ConfigCheck: parameter groups that match no parameter.
void check_parameter_groups(const RunConfig& config, Problems& problems);

}  // namespace icl
