// SPDX-License-Identifier: Apache-2.0
//
// What a trained model is tested on: every setting by name. Reading src/evaluation/suites.cpp is
// reading the settings.
//
//   for (const Setting& setting : expand_suites({"paper"}, config.task)) {
//     Prompts prompts = sample_prompts(setting, config.task, {.n_points = 41, .seed = 0});
//   }
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "icl/config/task_config.h"

namespace icl {

// Where the query of a point comes from, and what that does to the points before it.
enum class Strategy {
  kSame,              // the points of the prompt themselves
  kQuadrant,          // points |x| * s with random signs s for each prompt; queries x
  kOppositeQuadrant,  // the same points; queries -|x| * s
  kOrthogonal,        // query i: x_i without its part in the span of the points before it,
                      // at the length of x_i; for i < D
  kOverlapping,       // query i: one of the points before it, uniformly
};

struct Setting {
  std::string name;
  std::string description;
  Strategy strategy = Strategy::kSame;
  // "gaussian" (isotropic), "skewed" or "half_subspace", one rotation for all prompts; or
  // "training": as the model was trained, with its rotation if that is fixed.
  std::string inputs = "gaussian";
  double x_scale = 1;
  double y_scale = 1;
  bool noisy = false;         // noise of variance 1, ys renormalised
  std::string function = "";  // another class of functions than the run's
  bool extrapolates = false;  // points past the training length by default
};

const std::vector<Setting>& all_settings();

// Whether a setting makes sense for functions of this kind.
bool applies(const Setting& setting, const TaskConfig& task);

// Settings by name, and the groups "paper" (what the published code evaluates for this class of
// functions) and "all" (everything that applies). Each setting once, in the order asked for. Throws
// UsageError for an unknown name and for one that does not apply.
std::vector<Setting> expand_suites(const std::vector<std::string>& suites, const TaskConfig& task);

// The task that the prompts of a setting are drawn from.
TaskConfig task_of(const Setting& setting, const TaskConfig& trained);

// Prompt points, and for other strategies than kSame a query for each of them.
struct Prompts {
  at::Tensor xs_BKD;       // float32
  at::Tensor ys_BK;        // what the prompt shows
  at::Tensor queries_BKD;  // undefined: the xs
  at::Tensor targets_BK;   // what prediction i is compared with
};

struct PromptRequest {
  int64_t n_points = 41;
  uint64_t seed = 0;
  int64_t batch = 0;  // index of the batch; a batch is what noise is renormalised over
  int64_t batch_size = 64;
  uint64_t train_seed = 0;            // of the run, for its fixed rotation
  std::string stream = "evaluation";  // separates uses of one seed
};

// A pure function of its arguments: no seed shares prompts with training.
Prompts sample_prompts(const Setting& setting, const TaskConfig& trained,
                       const PromptRequest& request);

}  // namespace icl
