// SPDX-License-Identifier: Apache-2.0
//
// What icl-train evaluates: its settings now and then, and a short table at the end.
//
//   for (const auto& [setting, curve] : evaluate_on_the_side(model, config)) {
//     log_info(str(setting, ": ", curve.back()));
//   }
#pragma once

#include "icl/config/run_config.h"
#include "icl/evaluation/evaluate.h"
#include "icl/training/trainer.h"

namespace icl {

// What follows for an evaluation from the run's config: its longest prompts, seed and family.
EvaluateOptions evaluate_options_of(const RunConfig& config);

// Throws UsageError if evaluation.suites names something unknown or not applicable.
void check_side_evaluation(const RunConfig& config);

// Normalised mean errors by setting and number of in-context examples, on the same prompts each
// time, which icl-eval never uses.
SettingErrors evaluate_on_the_side(RegressionModel& model, const RunConfig& config);

// Errors after up to 10 in-context examples over 1280 prompts distributed as in training, beside
// least squares, 3 nearest neighbours and averaging.
SettingResult final_evaluation(RegressionModel& model, const RunConfig& config);

}  // namespace icl
