// SPDX-License-Identifier: Apache-2.0
#include "icl/evaluation/evaluate.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>

#include "icl/base/bootstrap.h"
#include "src/evaluation/resolved.h"

namespace icl {
namespace {

constexpr int64_t kBatch = 64;
// As published (Garg et al. 2022).
constexpr int64_t kResamples = 1000;
constexpr double kCoverage = 0.9;

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

std::vector<double> to_vector(const at::Tensor& values) {
  const at::Tensor whole = values.contiguous();
  const double* begin = whole.const_data_ptr<double>();
  return {begin, begin + whole.numel()};
}

// The prompts of a batch that are asked for: whole batches are drawn, so that a prompt does not
// depend on how many there are.
Prompts draw(const PlannedSetting& planned, int64_t first) {
  const EvaluateOptions& options = planned.options;
  Prompts prompts = sample_prompts(planned.setting, planned.task,
                                   {.n_points = planned.n_points,
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
  return prompts;
}

// Prompts without a number that is not finite: bool [P].
at::Tensor finite_prompts(const Prompts& prompts) {
  at::Tensor finite =
      at::isfinite(prompts.xs_BKD).flatten(1).all(1) & at::isfinite(prompts.ys_BK).all(1);
  if (prompts.queries_BKD.defined()) {
    finite = finite & at::isfinite(prompts.queries_BKD).flatten(1).all(1);
  }
  return finite;
}

// A baseline's predictions, NaN for the prompts that it would refuse.
at::Tensor predict_baseline(const Baseline& baseline, const Prompts& prompts,
                            const BaselineOptions& options) {
  const at::Tensor finite = finite_prompts(prompts);
  if (finite.all().item<bool>()) {
    return baseline.predict({prompts.xs_BKD, prompts.ys_BK, prompts.queries_BKD}, options);
  }
  const auto plain = [](const at::Tensor& values) {
    return values.defined() ? at::nan_to_num(values, 0.0, 0.0, 0.0) : values;
  };
  const at::Tensor said = baseline.predict(
      {plain(prompts.xs_BKD), plain(prompts.ys_BK), plain(prompts.queries_BKD)}, options);
  return said.masked_fill(~finite.unsqueeze(1), std::numeric_limits<double>::quiet_NaN());
}

// Errors [P, K] of the model and of each baseline, batch after batch.
class Scorer {
 public:
  Scorer(RegressionModel& model, const PlannedSetting& planned)
      : model_(model),
        planned_(planned),
        normaliser_(planned.task.traits().normaliser.value),
        n_curves_(static_cast<int64_t>(planned.baselines.size()) + 1) {
    for (int64_t curve = 0; curve < n_curves_; ++curve) {
      errors.push_back(at::empty({planned.options.n_prompts, planned.n_points}, at::kDouble));
    }
  }

  void score(int64_t first) {
    const Prompts prompts = draw(planned_, first);
    const int64_t count = prompts.xs_BKD.size(0);
    keep(0, first, prompts,
         predict(model_, prompts, [&](double share) { report(first, count, 0, share); }));
    for (int64_t curve = 1; curve < n_curves_; ++curve) {
      report(first, count, curve, 0);
      const BaselineOptions options = {
          .ridge_penalty = planned_.ridge_penalty,
          .seed = planned_.options.seed,
          .progress = [&](double share) { report(first, count, curve, share); }};
      const Baseline& baseline = planned_.baselines[static_cast<size_t>(curve - 1)];
      keep(curve, first, prompts, predict_baseline(baseline, prompts, options));
    }
  }

  std::vector<at::Tensor> errors;

 private:
  void report(int64_t first, int64_t count, int64_t curve, double share) const {
    if (!planned_.options.progress) return;
    const double within = (static_cast<double>(curve) + share) / static_cast<double>(n_curves_);
    planned_.options.progress(planned_.setting.name,
                              (static_cast<double>(first) + within * static_cast<double>(count)) /
                                  static_cast<double>(planned_.options.n_prompts));
  }

  void keep(int64_t curve, int64_t first, const Prompts& prompts, const at::Tensor& predictions) {
    const at::Tensor error = planned_.task.function->error(predictions.to(at::kDouble),
                                                           prompts.targets_BK.to(at::kDouble));
    errors[static_cast<size_t>(curve)].narrow(0, first, error.size(0)).copy_(error / normaliser_);
  }

  RegressionModel& model_;
  const PlannedSetting& planned_;
  double normaliser_;
  int64_t n_curves_;
};

}  // namespace

EvalResult evaluate(RegressionModel& model, const PlannedSetting& planned,
                    const Provenance& weights) {
  const Evaluating evaluating(model);
  const EvaluateOptions& options = planned.options;
  const FunctionTraits traits = planned.task.traits();
  EvalResult result{.from = with_libraries(weights, planned.baselines),
                    .task = task_json(planned.task),
                    .setting = planned.setting.name,
                    .description = planned.setting.description,
                    .n_points = planned.n_points,
                    .n_prompts = options.n_prompts,
                    .seed = options.seed,
                    .train_points = options.train_points,
                    .train_dims = options.train_dims,
                    .metric = traits.metric,
                    .normaliser = traits.normaliser,
                    .left_out = planned.left_out,
                    .settings_key = settings_key(planned, weights)};
  Scorer scorer(model, planned);
  for (int64_t first = 0; first < options.n_prompts; first += kBatch) scorer.score(first);
  for (size_t curve = 0; curve < scorer.errors.size(); ++curve) {
    result.curves.push_back(summarise(scorer.errors[curve], options.seed));
    result.curves.back().name = curve == 0 ? options.model_name : planned.baselines[curve - 1].name;
    result.curves.back().is_model = curve == 0;
  }
  return result;
}

std::vector<EvalResult> evaluate(RegressionModel& model, const TaskConfig& trained,
                                 const std::vector<std::string>& suites,
                                 const EvaluateOptions& options) {
  std::vector<EvalResult> results;
  for (const PlannedSetting& planned : plan_evaluation(trained, suites, options).settings) {
    results.push_back(evaluate(model, planned));
  }
  return results;
}

Curve summarise(const at::Tensor& errors_PK, uint64_t seed) {
  const Bootstrap bootstrap(kResamples, errors_PK.size(0), RandomStream(seed, "bootstrap"));
  const Interval interval = interval_of(bootstrap.means(errors_PK), kCoverage);
  Curve curve;
  curve.mean = to_vector(errors_PK.mean(0));
  curve.std = errors_PK.size(0) > 1 ? to_vector(errors_PK.std(0))
                                    : std::vector<double>(curve.mean.size(), 0.0);
  curve.low = to_vector(interval.low);
  curve.high = to_vector(interval.high);
  return curve;
}

}  // namespace icl
