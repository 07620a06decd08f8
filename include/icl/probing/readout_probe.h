// SPDX-License-Identifier: Apache-2.0
//
// How good the model's prediction would be if it ended after block l (Grazzi et al. 2024, section
// 5): the residual stream goes through the model's own final norm and read-out; for each prompt and
// layer a scale and a shift are fitted on the last context points and judged on the queries.
//
//   icl::RegressionProbe model(*run.model);
//   icl::ReadoutOptions options;
//   options.references = {"gd", "newton"};
//   const icl::ReadoutResult result =
//       icl::probe_readout(model, run.config.task, run.config.seed, options);
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "icl/probing/probe_prompts.h"
#include "icl/probing/probed_model.h"
#include "icl/probing/results.h"
#include "icl/tasks/task_config.h"

namespace icl {

struct ReadoutOptions {
  ProbePromptCounts counts;
  int64_t fit_points = 10;  // last context points that scale and shift are fitted on
  std::vector<std::string> references;
  int64_t iterations = 24;   // of each reference
  double normaliser = 1;     // of errors and distances, probe and references alike
  int64_t resamples = 2000;  // of the bootstrap over prompts
  uint64_t seed = 0;
  c10::Device device = c10::kCPU;
  // Called now and then with the share that is done; may throw to stop.
  std::function<void(double share)> progress = {};
};

// Throws UsageError if `fit_points` does not fit the context or a reference is asked for a task
// that is not linear (FunctionTraits::linear). It is a defect if the last layer's decode is not the
// model's prediction.
ReadoutResult probe_readout(ProbedModel& model, const TaskConfig& task, int64_t train_seed,
                            const ReadoutOptions& options);

}  // namespace icl
