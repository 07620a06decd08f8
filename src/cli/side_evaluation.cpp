// SPDX-License-Identifier: Apache-2.0
#include "icl/cli/side_evaluation.h"

#include <algorithm>

namespace icl {
namespace {

EvaluateOptions options_of(const RunConfig& config) {
  EvaluateOptions options;
  options.train_points = config.training.curriculum.points.end;
  options.model_name = config.model.family;
  return options;
}

}  // namespace

void check_side_evaluation(const RunConfig& config) {
  if (config.evaluation.every > 0) expand_suites(config.evaluation.suites, config.task);
}

std::map<std::string, std::vector<double>> evaluate_on_the_side(RegressionModel& model,
                                                                const RunConfig& config) {
  EvaluateOptions options = options_of(config);
  options.n_prompts = config.evaluation.prompts;
  options.baselines = {"none"};
  std::map<std::string, std::vector<double>> errors;
  for (SettingResult& result : evaluate(model, config.task, config.evaluation.suites, options)) {
    errors[result.setting] = std::move(result.curves.front().mean);
  }
  return errors;
}

SettingResult final_evaluation(RegressionModel& model, const RunConfig& config) {
  EvaluateOptions options = options_of(config);
  options.n_points = std::min<int64_t>(11, options.train_points);
  options.baselines = {"least_squares", "nearest_3", "averaging"};
  return evaluate(model, config.task, {"training_distribution"}, options).front();
}

}  // namespace icl
