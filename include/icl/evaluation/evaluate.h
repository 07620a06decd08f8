// SPDX-License-Identifier: Apache-2.0
//
// In-context learning curves: the error of a model, and of the baselines on the same prompts,
// against the number of in-context examples.
//
//   EvaluateOptions options;
//   options.train_points = config.training.curriculum.points.end;
//   for (const SettingResult& result : evaluate(*run.model, config.task, {"standard"}, options)) {
//     std::cout << table_text(result);
//   }
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "icl/config/task_config.h"
#include "icl/evaluation/suites.h"
#include "icl/models/regression_model.h"
#include "icl/tasks/registry.h"

namespace icl {

// Normalised errors by number of in-context examples, from 0.
struct Curve {
  std::string name;
  bool is_model = false;
  std::vector<double> mean;
  std::vector<double> std;  // over prompts, unbiased
  std::vector<double> low;  // 90% bootstrap interval of the mean
  std::vector<double> high;
};

struct SettingResult {
  std::string setting;
  std::string description;
  TaskConfig task;  // that the prompts were drawn from
  int64_t n_points = 0;
  int64_t n_prompts = 0;
  uint64_t seed = 0;
  int64_t train_points = 0;  // 0: unknown
  Normaliser normaliser;
  std::vector<Curve> curves;  // the model first
};

struct EvaluateOptions {
  int64_t n_points = 0;      // 0: train_points (41 if unknown), 200 for extrapolation
  int64_t train_points = 0;  // longest prompt of the training; 0: unknown
  int64_t n_prompts = 1280;
  uint64_t seed = 0;
  uint64_t train_seed = 0;                        // the run's, see PromptRequest
  std::string stream = "evaluation";              // separates uses of one seed
  std::vector<std::string> baselines = {"auto"};  // names, "all", "none", or "auto": the paper's
  std::string model_name = "model";
  // Called now and then with the share of a setting that is done; may throw to stop.
  std::function<void(const std::string& setting, double share)> progress = {};
};

// Prompts are drawn and scored 64 at a time. The model is put into evaluation mode meanwhile.
std::vector<SettingResult> evaluate(RegressionModel& model, const TaskConfig& task,
                                    const std::vector<std::string>& suites,
                                    const EvaluateOptions& options);
SettingResult evaluate_setting(RegressionModel& model, const TaskConfig& task,
                               const Setting& setting, const EvaluateOptions& options);

// Points of a prompt in this setting: as asked for, at most D for orthogonal queries.
int64_t points_of(const Setting& setting, const TaskConfig& task, const EvaluateOptions& options);

// The names behind "auto", "all" and "none" for a setting of a model trained on `task`.
std::vector<std::string> baseline_names(const std::vector<std::string>& asked,
                                        const TaskConfig& task, const Setting& setting);

// Predictions of the model for the prompts, one pass; on the CPU.
at::Tensor predict(RegressionModel& model, const Prompts& prompts);

// Mean, standard deviation and the 5% and 95% order statistics of the means of 1000 resamples over
// prompts. errors [P, K] float64 on the CPU; the same bits for any number of threads.
Curve summarise(const at::Tensor& errors_PK, uint64_t seed);

}  // namespace icl
