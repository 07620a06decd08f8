// SPDX-License-Identifier: Apache-2.0
//
// In-context learning curves: the error of a model, and of the baselines on the same prompts,
// against the number of in-context examples.
//
//   const icl::LoadedRun run = icl::load_run("runs/a");
//   const icl::EvaluateOptions options = icl::evaluate_options_of(run);
//   for (const icl::EvalResult& result :
//        icl::evaluate(*run.model, run.config.task, {"standard", "skewed"}, options)) {
//     const std::string table = icl::table_text(result);
//   }
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "icl/evaluation/plan.h"
#include "icl/evaluation/predict.h"
#include "icl/evaluation/results.h"
#include "icl/models/regression_model.h"

namespace icl {

// Prompts are drawn 64 at a time. The model is put into evaluation mode meanwhile. The provenance
// is that of the model's weights; the libraries of the baselines are added to it.
EvalResult evaluate(RegressionModel& model, const PlannedSetting& planned,
                    const Provenance& weights = {});
std::vector<EvalResult> evaluate(RegressionModel& model, const TaskConfig& trained,
                                 const std::vector<std::string>& suites,
                                 const EvaluateOptions& options);

// Mean, standard deviation and the 5% and 95% order statistics of the means of 1000 resamples over
// prompts. errors [P, K] float64 on the CPU; the same bits for any number of threads.
Curve summarise(const at::Tensor& errors_PK, uint64_t seed);

}  // namespace icl
