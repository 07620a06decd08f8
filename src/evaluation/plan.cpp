// SPDX-License-Identifier: Apache-2.0
#include "icl/evaluation/plan.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "icl/base/error.h"
#include "icl/base/text.h"
#include "icl/io/files.h"
#include "src/evaluation/resolved.h"

namespace icl {
namespace {

using Json = nlohmann::ordered_json;
constexpr int64_t kPaperPoints = 41;
constexpr int64_t kExtrapolationPoints = 200;

EvaluateOptions options_of(const RunConfig& config, int64_t steps_done) {
  EvaluateOptions options;
  options.default_points = config.training.curriculum.points.end;
  options.train_points = config.training.points_seen(steps_done);
  options.train_dims = config.training.curriculum.dims.at(std::max<int64_t>(0, steps_done - 1));
  options.train_seed = static_cast<uint64_t>(config.seed);
  options.model_name = config.model.family.name();
  options.limit = config.model.family->longest_sequence();
  return options;
}

int64_t points_of(const Setting& setting, const TaskConfig& task, const EvaluateOptions& options) {
  int64_t n_points = options.n_points;
  if (n_points == 0 && setting.extrapolates) n_points = kExtrapolationPoints;
  if (n_points == 0) n_points = options.default_points;
  if (n_points == 0) n_points = options.train_points > 0 ? options.train_points : kPaperPoints;
  return setting.within_dims ? std::min(n_points, task.n_dims) : n_points;
}

// By what the model was trained on, in every setting, as the published code does; and ridge where
// the setting has noise, as nothing is better there.
std::vector<Baseline> auto_baselines(const TaskConfig& trained, const FunctionTraits& of_setting,
                                     std::vector<LeftOut>& left_out) {
  std::vector<Baseline> chosen = baselines_of(trained.traits(), left_out);
  if (of_setting.linear && of_setting.noise_std > 0) {
    chosen.push_back(select_baselines({"ridge"}).front());
  }
  return chosen;
}

void choose_baselines(const TaskConfig& trained, PlannedSetting& planned) {
  const FunctionTraits traits = planned.task.traits();
  planned.ridge_penalty = bayes_ridge_penalty(traits);
  for (const std::string& word : planned.options.baselines) {
    if (word == "none") continue;
    const std::vector<Baseline> chosen = word == "auto"
                                             ? auto_baselines(trained, traits, planned.left_out)
                                             : select_baselines({word});
    for (const Baseline& baseline : chosen) {
      const bool there =
          std::any_of(planned.baselines.begin(), planned.baselines.end(),
                      [&](const Baseline& present) { return present.name == baseline.name; });
      if (!there) planned.baselines.push_back(baseline);
    }
  }
}

// Why the model cannot do it, or "".
std::string beyond_the_model(const PlannedSetting& planned) {
  const std::optional<SequenceLimit>& limit = planned.options.limit;
  if (!limit || 2 * planned.n_points <= limit->tokens) return "";
  return str(planned.n_points, " points are ", 2 * planned.n_points,
             " tokens, and the model takes at most ", limit->tokens, " (model.", limit->key, ")");
}

class Planner {
 public:
  Planner(const TaskConfig& trained, const EvaluateOptions& options)
      : trained_(trained), options_(options) {}

  void add(const std::string& suite) {
    const auto members = settings_of_suite(suite, trained_);
    if (!members) {
      problems.push_back(str("unknown suite '", suite, "'", did_you_mean(suite, suite_names()),
                             " (known: ", join(suite_names()), ")"));
      return;
    }
    const bool by_name = settings().find(suite) != nullptr;
    for (const Setting& setting : *members) add(setting, by_name);
  }

  EvaluationPlan plan;
  std::vector<std::string> problems;

 private:
  void add(const Setting& setting, bool by_name) {
    for (const PlannedSetting& present : plan.settings) {
      if (present.setting.name == setting.name) return;
    }
    const std::optional<TaskConfig> task = task_of(setting, trained_);
    if (!task) {
      problems.push_back(str("suite '", setting.name, "' (", setting.description,
                             ") does not apply to a model of ", trained_.function.name()));
      return;
    }
    PlannedSetting planned{.setting = setting,
                           .task = *task,
                           .n_points = points_of(setting, *task, options_),
                           .options = options_};
    const std::string reason = beyond_the_model(planned);
    if (reason.empty()) {
      choose_baselines(trained_, planned);
      plan.settings.push_back(std::move(planned));
    } else if (by_name) {
      problems.push_back(str("suite '", setting.name, "': ", reason));
    } else {
      plan.skipped.push_back({setting.name, reason});
    }
  }

  const TaskConfig& trained_;
  const EvaluateOptions& options_;
};

}  // namespace

EvaluateOptions evaluate_options_of(const RunConfig& config) {
  return options_of(config, config.training.steps);
}

EvaluateOptions evaluate_options_of(const LoadedRun& run) {
  return options_of(run.config, run.checkpoint.step);
}

EvaluationPlan plan_evaluation(const TaskConfig& trained, const std::vector<std::string>& suites,
                               const EvaluateOptions& options) {
  Planner planner(trained, options);
  for (const std::string& suite : suites) planner.add(suite);
  if (!planner.problems.empty()) throw UsageError(join(planner.problems, "\n"));
  return std::move(planner.plan);
}

void check_evaluation(const RunConfig& config, Problems& problems) {
  if (config.objective_kind() != ObjectiveKind::kRegression) return;
  const EvaluateOptions options = evaluate_options_of(config);
  Planner planner(config.task, options);
  Problems of_evaluation = problems.in("evaluation");
  try {
    for (const std::string& suite : config.evaluation.suites) planner.add(suite);
  } catch (const UsageError& error) {  // a class of functions names what is not there
    planner.problems.emplace_back(error.what());
  }
  for (const std::string& problem : planner.problems) of_evaluation.add("suites", problem);
  if (config.evaluation.every == 0 || !planner.problems.empty()) return;
  if (config.evaluation.suites.empty()) {
    of_evaluation.add("suites", "empty, expected a setting, as evaluation.every is not 0");
  } else if (planner.plan.settings.empty()) {
    of_evaluation.add("suites",
                      str("nothing to evaluate: the model can do none of the settings of ",
                          join(config.evaluation.suites)));
  }
}

std::string settings_key(const PlannedSetting& planned, const Provenance& weights) {
  Json baselines = Json::array();
  for (const Baseline& baseline : planned.baselines) baselines.push_back(baseline.name);
  const EvaluateOptions& options = planned.options;
  const Provenance from = with_libraries(weights, planned.baselines);
  const Json parts = {{"checkpoint", from.checkpoint_checksum},
                      {"provenance", from.program_json()},
                      {"name", options.model_name},
                      {"setting", planned.setting.name},
                      {"description", planned.setting.description},
                      {"task", task_json(planned.task)},
                      {"points", planned.n_points},
                      {"train_points", options.train_points},
                      {"train_dims", options.train_dims},
                      {"prompts", options.n_prompts},
                      {"seed", options.seed},
                      {"train_seed", options.train_seed},
                      {"stream", options.stream},
                      {"ridge_penalty", planned.ridge_penalty},
                      {"baselines", baselines}};
  return checksum(parts.dump());
}

}  // namespace icl
