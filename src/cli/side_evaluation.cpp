// SPDX-License-Identifier: Apache-2.0
#include "icl/cli/side_evaluation.h"

#include <algorithm>

#include "icl/base/error.h"
#include "icl/training/objective.h"

namespace icl {

EvaluateOptions evaluate_options_of(const RunConfig& config) {
  EvaluateOptions options;
  options.train_points = config.training.curriculum.points.end;
  options.train_seed = static_cast<uint64_t>(config.seed);
  options.model_name = config.model.family;
  return options;
}

void check_side_evaluation(const RunConfig& config) {
  if (trains_language(config)) return;
  expand_suites(config.evaluation.suites, config.task);
  if (config.evaluation.every > 0 && config.evaluation.suites.empty()) {
    throw UsageError(
        "evaluation.suites is empty, and evaluation.every is not 0: expected a setting");
  }
}

SettingErrors evaluate_on_the_side(RegressionModel& model, const RunConfig& config) {
  EvaluateOptions options = evaluate_options_of(config);
  options.n_prompts = config.evaluation.prompts;
  // The best checkpoint is not to be chosen on the prompts that icl-eval reports it on.
  options.stream = "side evaluation";
  options.baselines = {"none"};
  SettingErrors errors;
  for (SettingResult& result : evaluate(model, config.task, config.evaluation.suites, options)) {
    errors.emplace_back(result.setting, std::move(result.curves.front().mean));
  }
  return errors;
}

SettingResult final_evaluation(RegressionModel& model, const RunConfig& config) {
  EvaluateOptions options = evaluate_options_of(config);
  options.n_points = std::min<int64_t>(11, options.train_points);
  options.baselines = {"least_squares", "nearest_3", "averaging"};
  return evaluate(model, config.task, {"training_distribution"}, options).front();
}

}  // namespace icl
