// SPDX-License-Identifier: Apache-2.0
//
// What is trained: a model, and its loss on the batch of a step. The trainer knows no more of it,
// so that functions of numbers and language are trained by the same loop.
//
//   const std::unique_ptr<Objective> objective = make_objective(config, c10::kCPU);
//   const StepLoss step = objective->loss(/*step=*/0, {.n_points = 11, .n_dims = 5});
//   step.loss.backward();
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>
#include <torch/nn/module.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "icl/config/run_config.h"
#include "icl/language/language_model.h"
#include "icl/models/regression_model.h"
#include "icl/tasks/curriculum.h"

namespace icl {

// What is logged of a batch beside its loss.
struct BatchFigures {
  double zero_loss = 0;        // of always predicting zero
  double zero_error = 0;       // the same, mean over prompts and points
  std::vector<double> errors;  // per point, mean over prompts
};

struct StepLoss {
  at::Tensor loss;  // scalar, with a graph
  std::function<BatchFigures()> figures;
};

class Objective {
 public:
  virtual ~Objective() = default;

  // On the device, in training mode, with weights drawn from the config's seed.
  virtual torch::nn::Module& module() = 0;
  virtual int64_t parameter_count() const = 0;
  // A pure function of the config, the weights and the step.
  virtual StepLoss loss(int64_t step, const CurriculumStage& stage) = 0;

  // The model as what it is; null for the other kind.
  virtual RegressionModel* regression() { return nullptr; }
  virtual LanguageModel* language() { return nullptr; }
};

// Whether a run trains a language model (task.function "language") on documents of demonstrations
// of the paper's algorithmic tasks.
bool trains_language(const RunConfig& config);

// For language the loss is half the mean over the answers' bytes and half that over all others.
// Throws UsageError for a config whose parts do not fit together.
std::unique_ptr<Objective> make_objective(const RunConfig& config, c10::Device device);

// Batches of such documents: each of a task of its own, `n_points` demonstrations in the form of
// icl-nlp's prompts, one byte a token. [B, T] int64, shorter ones padded with newlines; `lengths`
// are those without.
struct Documents {
  at::Tensor ids_BT;
  std::vector<int64_t> lengths;
  // Of each document, the place of every demonstration's answer's first byte.
  std::vector<std::vector<int64_t>> answers;
};
Documents sample_documents(uint64_t seed, int64_t step, int64_t batch_size, int64_t n_points);

// The tasks that the documents are made of, by name.
std::vector<std::string> language_training_tasks();

// The trained model as a Hugging Face folder with a byte-level tokenizer, for icl-nlp.
void export_trained_language_model(const LanguageModel& model, const std::filesystem::path& folder);

}  // namespace icl
