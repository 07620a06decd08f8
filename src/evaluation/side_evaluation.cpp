// SPDX-License-Identifier: Apache-2.0
#include "icl/evaluation/side_evaluation.h"

#include <algorithm>

namespace icl {
namespace {

EvaluateOptions options_of(const RunConfig& config, const std::function<void()>& poll) {
  EvaluateOptions options = evaluate_options_of(config);
  if (poll) options.progress = [poll](const std::string&, double) { poll(); };
  return options;
}

}  // namespace

std::vector<std::pair<std::string, std::vector<double>>> side_errors(
    RegressionModel& model, const RunConfig& config, const std::function<void()>& poll) {
  EvaluateOptions options = options_of(config, poll);
  options.n_prompts = config.evaluation.prompts;
  // The best checkpoint is not to be chosen on the prompts that icl-eval reports it on.
  options.stream = "side evaluation";
  options.baselines = {"none"};
  std::vector<std::pair<std::string, std::vector<double>>> errors;
  for (EvalResult& result : evaluate(model, config.task, config.evaluation.suites, options)) {
    errors.emplace_back(result.setting, std::move(result.curves.front().mean));
  }
  return errors;
}

EvalResult final_evaluation(RegressionModel& model, const RunConfig& config,
                            const std::function<void()>& poll) {
  EvaluateOptions options = options_of(config, poll);
  options.n_points = std::min<int64_t>(11, options.default_points);
  options.baselines = {"least_squares", "nearest_3", "averaging"};
  return evaluate(model, config.task, {"training_distribution"}, options).front();
}

}  // namespace icl
