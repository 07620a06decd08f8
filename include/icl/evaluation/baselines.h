// SPDX-License-Identifier: Apache-2.0
//
// Classical learners on the same prompts as the model: what a curve is compared with.
//
//   for (const Baseline& baseline : select_baselines({"least_squares", "nearest_3"})) {
//     at::Tensor predictions_BK = baseline.predict({xs_BKD, ys_BK}, {});
//   }
//
// Prediction i is made from points 0 .. i-1 of the prompt alone; prediction 0 is 0. Every baseline
// works on each prompt by itself, on the CPU in double precision (gd_network: in float32, on the
// device of the prompts), and gives the same bits for any number of threads and any division of the
// prompts into calls.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "icl/config/task_config.h"

namespace icl {

struct BaselineInput {
  at::Tensor xs_BKD;
  at::Tensor ys_BK;
  // Prediction i is made at queries[:, i]; undefined: at xs[:, i].
  at::Tensor queries_BKD = {};
};

struct BaselineOptions {
  double ridge_penalty = 1;  // of ridge, see bayes_ridge_penalty()
  uint64_t seed = 0;         // of gd_network
  int64_t first_prompt = 0;  // index of prompt 0 within the whole set (of gd_network's streams)
  // Called with the share of the work done, 0 .. 1, from one thread at a time.
  std::function<void(double share)> progress = {};
};

struct Baseline {
  std::string name;
  std::string description;
  bool slow = false;  // minutes rather than seconds for 1280 prompts of 101 points
  // Returns [B, K] in the type and on the device of the xs.
  std::function<at::Tensor(const BaselineInput&, const BaselineOptions&)> predict;
};

// Every named baseline. xgboost is there only if the build found libxgboost.
const std::vector<Baseline>& baselines();

// By name, in the order asked for; "all" stands for the whole table. Besides the table,
// gd_<steps> and newton_<iterations> are known (see src/evaluation/baselines/linear.cpp). Throws
// UsageError for an unknown name.
std::vector<Baseline> select_baselines(const std::vector<std::string>& names);

// What Grazzi et al. 2024 compare a model of this class of functions with, in every setting (their
// get_relevant_baselines), and `zero`, the trivial line of their plots, in front. Names that this
// build knows.
std::vector<std::string> paper_baselines(const TaskConfig& task);

// The penalty lambda of |y - Xw|^2 + lambda |w|^2 whose solution is the posterior mean of a linear
// task: noise variance / weight variance. 1 for a task without noise, where the posterior mean is
// the minimum-norm least-squares solution, which has a baseline of its own.
double bayes_ridge_penalty(const TaskConfig& task);

}  // namespace icl
