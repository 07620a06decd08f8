// SPDX-License-Identifier: Apache-2.0
#include "icl/evaluation/evaluate.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "icl/base/error.h"
#include "icl/evaluation/baselines.h"

namespace icl {
namespace {

constexpr int64_t kBatch = 64;
constexpr int64_t kPaperPoints = 41;
constexpr int64_t kExtrapolationPoints = 200;

// Evaluation mode while alive.
class Evaluating {
 public:
  explicit Evaluating(RegressionModel& model) : model_(model), was_training_(model.is_training()) {
    model_.eval();
  }
  ~Evaluating() { model_.train(was_training_); }
  Evaluating(const Evaluating&) = delete;
  Evaluating& operator=(const Evaluating&) = delete;

 private:
  RegressionModel& model_;
  bool was_training_;
};

BaselineInput baseline_input(const Prompts& prompts) {
  return {prompts.xs_BKD, prompts.ys_BK, prompts.queries_BKD};
}

}  // namespace

int64_t points_of(const Setting& setting, const TaskConfig& task, const EvaluateOptions& options) {
  int64_t n_points = options.n_points;
  if (n_points == 0 && setting.extrapolates) n_points = kExtrapolationPoints;
  if (n_points == 0) n_points = options.train_points > 0 ? options.train_points : kPaperPoints;
  // With D points before it, nothing is orthogonal to all of them.
  if (setting.strategy == Strategy::kOrthogonal) n_points = std::min(n_points, task.n_dims);
  return n_points;
}

std::vector<std::string> baseline_names(const std::vector<std::string>& asked,
                                        const TaskConfig& task, const Setting& setting) {
  std::vector<std::string> names;
  const auto add = [&](const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  for (const std::string& word : asked) {
    if (word == "none") continue;
    if (word == "auto") {
      for (const std::string& name : paper_baselines(task)) add(name);
      if (task_of(setting, task).noise_std > 0) add("ridge");
    } else {
      for (const Baseline& baseline : select_baselines({word})) add(baseline.name);
    }
  }
  return names;
}

at::Tensor predict(RegressionModel& model, const Prompts& prompts) {
  const at::NoGradGuard no_grad;
  const at::Device device = model.parameters().front().device();
  const at::Tensor xs = prompts.xs_BKD.to(device);
  const at::Tensor ys = prompts.ys_BK.to(device);
  const at::Tensor predictions = prompts.queries_BKD.defined()
                                     ? model.predict_queries(xs, ys, prompts.queries_BKD.to(device))
                                     : model.predict(xs, ys);
  return predictions.to(at::kCPU);
}

SettingResult evaluate_setting(RegressionModel& model, const TaskConfig& task,
                               const Setting& setting, const EvaluateOptions& options) {
  const Evaluating evaluating(model);
  SettingResult result;
  result.setting = setting.name;
  result.description = setting.description;
  result.task = task_of(setting, task);
  result.n_points = points_of(setting, task, options);
  result.n_prompts = options.n_prompts;
  result.seed = options.seed;
  result.train_points = options.train_points;
  const TaskInfo& info = task_info(result.task.function);
  result.normaliser = info.normaliser(result.task);

  const std::vector<Baseline> baselines =
      select_baselines(baseline_names(options.baselines, task, setting));
  const auto n_curves = static_cast<int64_t>(baselines.size()) + 1;
  std::vector<at::Tensor> errors(n_curves);
  for (at::Tensor& each : errors) {
    each = at::empty({options.n_prompts, result.n_points}, at::kDouble);
  }
  const auto report = [&](int64_t first, int64_t count, int64_t curve, double share) {
    if (!options.progress) return;
    const double within = (static_cast<double>(curve) + share) / static_cast<double>(n_curves);
    options.progress(setting.name,
                     (static_cast<double>(first) + within * static_cast<double>(count)) /
                         static_cast<double>(options.n_prompts));
  };
  for (int64_t first = 0; first < options.n_prompts; first += kBatch) {
    // Whole batches are drawn, so that a prompt does not depend on how many there are.
    Prompts prompts = sample_prompts(setting, task,
                                     {.n_points = result.n_points,
                                      .seed = options.seed,
                                      .batch = first / kBatch,
                                      .batch_size = kBatch,
                                      .train_seed = options.train_seed,
                                      .stream = options.stream});
    const int64_t count = std::min(kBatch, options.n_prompts - first);
    for (at::Tensor* part :
         {&prompts.xs_BKD, &prompts.ys_BK, &prompts.queries_BKD, &prompts.targets_BK}) {
      if (part->defined()) *part = part->narrow(0, 0, count);
    }
    const auto keep = [&](int64_t curve, const at::Tensor& predictions) {
      const at::Tensor error =
          info.error(predictions.to(at::kDouble), prompts.targets_BK.to(at::kDouble));
      errors[curve].narrow(0, first, count).copy_(error / result.normaliser.value);
    };
    report(first, count, 0, 0);
    keep(0, predict(model, prompts));
    for (int64_t curve = 1; curve < n_curves; ++curve) {
      report(first, count, curve, 0);
      BaselineOptions baseline_options;
      baseline_options.ridge_penalty = bayes_ridge_penalty(result.task);
      baseline_options.seed = options.seed;
      baseline_options.first_prompt = first;
      if (baselines[curve - 1].slow) {
        baseline_options.progress = [&](double share) { report(first, count, curve, share); };
      }
      keep(curve, baselines[curve - 1].predict(baseline_input(prompts), baseline_options));
    }
  }
  for (int64_t curve = 0; curve < n_curves; ++curve) {
    result.curves.push_back(summarise(errors[curve], options.seed));
    result.curves.back().name = curve == 0 ? options.model_name : baselines[curve - 1].name;
    result.curves.back().is_model = curve == 0;
  }
  return result;
}

std::vector<SettingResult> evaluate(RegressionModel& model, const TaskConfig& task,
                                    const std::vector<std::string>& suites,
                                    const EvaluateOptions& options) {
  std::vector<SettingResult> results;
  for (const Setting& setting : expand_suites(suites, task)) {
    results.push_back(evaluate_setting(model, task, setting, options));
  }
  return results;
}

}  // namespace icl
