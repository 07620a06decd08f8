// SPDX-License-Identifier: Apache-2.0
//
// What training evaluates: the settings of the config now and then, and a short curve at the end.
//
//   for (const auto& [setting, errors] : icl::side_errors(model, config)) {
//     icl::log_info(icl::str(setting, ": ", errors.back()));
//   }
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "icl/base/log.h"
#include "icl/evaluation/evaluate.h"

namespace icl {

// Normalised mean errors by setting, in the order of evaluation.suites, and number of in-context
// examples; on the same prompts each time, which icl-eval never uses. `poll` is called at least
// once a second and may throw to stop. The config has passed check_evaluation().
std::vector<std::pair<std::string, std::vector<double>>> side_errors(
    RegressionModel& model, const RunConfig& config, const std::function<void()>& poll = {});

// Errors after up to 10 in-context examples over 1280 prompts distributed as in training, beside
// least squares, 3 nearest neighbours and averaging.
EvalResult final_evaluation(RegressionModel& model, const RunConfig& config,
                            const std::function<void()>& poll = {});

}  // namespace icl
