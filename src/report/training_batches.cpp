// SPDX-License-Identifier: Apache-2.0
#include "src/report/training_batches.h"

#include <algorithm>
#include <cmath>

#include "icl/base/error.h"
#include "src/report/prompt_tasks.h"

namespace icl::report {
namespace {

constexpr size_t kMostBatches = 25;

// The last logged steps of one number of points and dimensions, newest first.
std::vector<const StepReport*> last_steps(const std::vector<StepReport>& steps) {
  std::vector<const StepReport*> found;
  for (auto step = steps.rbegin(); step != steps.rend() && found.size() < kMostBatches; ++step) {
    const StepReport& last = steps.back();
    if (step->errors.size() != last.errors.size() || step->n_dims != last.n_dims) break;
    found.push_back(&*step);
  }
  return found;
}

// Over batches, after n examples.
void add_point(Curve& curve, const std::vector<const StepReport*>& steps, size_t n) {
  const auto count = static_cast<double>(steps.size());
  double sum = 0, squares = 0;
  for (const StepReport* step : steps) sum += step->errors[n] / step->zero_error;
  const double mean = sum / count;
  for (const StepReport* step : steps)
    squares += std::pow(step->errors[n] / step->zero_error - mean, 2);
  const double half = 1.645 * std::sqrt(squares / std::max(1.0, count - 1) / count);
  curve.mean.push_back(mean);
  curve.low.push_back(mean - half);
  curve.high.push_back(mean + half);
}

// Without noise, and with inputs that have no preferred direction, least squares errs by 1 - n / D
// of the error of predicting zero (the part of the weights outside the span of n inputs).
bool least_squares_is_known(const TaskConfig& task) {
  const FunctionTraits traits = task.traits();
  return traits.linear && traits.noise_std == 0 && task.inputs.is_standard();
}

}  // namespace

std::optional<ReportedEvaluation> last_training_batches(const ReportedRun& run) {
  // A language model's errors are shares of wrong answers; icl-nlp eval measures them.
  if (!run.config || run.config->objective_kind() != ObjectiveKind::kRegression)
    return std::nullopt;
  const std::vector<StepReport>& all = run.metrics.steps;
  if (all.empty() || all.back().errors.empty()) return std::nullopt;
  const std::vector<const StepReport*> steps = last_steps(all);
  const StepReport& last = all.back();
  const TaskConfig& task = run.config->task;
  const auto n_points = static_cast<int64_t>(last.errors.size());
  EvalResult result{
      .from = run.record.from,
      .task = run.config_json.at("task"),
      .description = "the last batches of the training",
      .n_points = n_points,
      .n_prompts = run.config->training.batch_size * static_cast<int64_t>(steps.size()),
      .train_points = n_points,
      .train_dims = last.n_dims,
      .metric = task.traits().metric,
      .normaliser = {"the error of predicting zero", 1}};
  result.from.checkpoint_step = last.step + 1;
  Curve model{.name = run.name, .is_model = true}, zero{.name = "zero"};
  Curve least_squares{.name = "least_squares"};
  for (size_t n = 0; n < last.errors.size(); ++n) {
    add_point(model, steps, n);
    zero.mean.push_back(1);
    const double part =
        static_cast<double>(n) / static_cast<double>(std::max<int64_t>(1, last.n_dims));
    least_squares.mean.push_back(std::max(0.0, 1 - part));
  }
  result.curves = {model, zero};
  if (last.n_dims > 0 && least_squares_is_known(task)) result.curves.push_back(least_squares);
  const std::string inputs = inputs_label(result.task.at("inputs"), "task of a config");
  return ReportedEvaluation{.result = std::move(result),
                            .task = run.task,
                            .setting = "training batches: " + inputs,
                            .of_training = true};
}

}  // namespace icl::report
