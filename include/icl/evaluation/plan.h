// SPDX-License-Identifier: Apache-2.0
//
// What an evaluation will do, resolved once: the tasks, points and baselines of the settings that
// were asked for, and what is left out and why.
//
//   const icl::EvaluationPlan plan = icl::plan_evaluation(config.task, {"all"}, {.limit = limit});
//   for (const icl::PlannedSetting& each : plan.settings) icl::evaluate(model, each);
//   for (const icl::LeftOut& each : plan.skipped) icl::log_info(each.name + ": " + each.reason);
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "icl/evaluation/baselines.h"
#include "icl/evaluation/settings.h"
#include "icl/models/family.h"
#include "icl/runs/loaded_run.h"
#include "icl/runs/run_config.h"

namespace icl {

struct EvaluateOptions {
  int64_t n_points = 0;        // of a prompt; 0: default_points, 200 for extrapolation
  int64_t default_points = 0;  // 0: train_points, or the paper's 41
  int64_t train_points = 0;    // longest prompt that the weights have seen; 0: unknown
  int64_t train_dims = 0;      // most dimensions that they have seen; 0: unknown
  int64_t n_prompts = 1280;
  uint64_t seed = 0;
  uint64_t train_seed = 0;                        // the run's, see PromptDraw
  std::string stream = "evaluation";              // separates uses of one seed
  std::vector<std::string> baselines = {"auto"};  // names, "all", "none", or "auto": the task's own
  std::string model_name = "model";
  std::optional<SequenceLimit> limit = {};  // of the model, two tokens a point
  // Called at least once a second with the share of a setting that is done, perhaps from a thread
  // that a baseline runs in; may throw to stop.
  std::function<void(const std::string& setting, double share)> progress = {};
};

// For a run's weights: what they have seen by the checkpoint, or by the end of the training. A
// prompt has by default the points of the longest in the run's config.
EvaluateOptions evaluate_options_of(const RunConfig& config);
EvaluateOptions evaluate_options_of(const LoadedRun& run);

// Everything that the result of a setting depends on, beside the weights.
struct PlannedSetting {
  Setting setting;
  TaskConfig task;  // that the prompts are drawn from
  int64_t n_points = 0;
  std::vector<Baseline> baselines;
  double ridge_penalty = 1;
  std::vector<LeftOut> left_out;  // baselines of the task that this build does not have
  EvaluateOptions options;
};

struct EvaluationPlan {
  std::vector<PlannedSetting> settings;  // each once, in the order asked for
  std::vector<LeftOut> skipped;          // settings of a suite that the model cannot do
};

// For a model trained on `trained`. Throws UsageError naming every suite that is unknown, does not
// apply to such a model, or asks by its own name for more points than the model can take.
EvaluationPlan plan_evaluation(const TaskConfig& trained, const std::vector<std::string>& suites,
                               const EvaluateOptions& options);

// A ConfigCheck of evaluation.suites: unknown names, settings that do not apply or that the model
// cannot do, nothing to evaluate on the side.
void check_evaluation(const RunConfig& config, Problems& problems);

// Identifies everything that a result depends on: weights, program, setting, task, points, prompts,
// seed and baselines.
std::string settings_key(const PlannedSetting& planned, const Provenance& weights);

}  // namespace icl
