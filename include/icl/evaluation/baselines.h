// SPDX-License-Identifier: Apache-2.0
//
// Classical learners on the same prompts as the model: what a curve is compared with. The table is
// open; a program adds a learner of its own before it evaluates:
//
//   icl::baselines().add({.name = "last_y",
//                         .description = "the y before",
//                         .predict = [](const icl::BaselineInput& input, const
//                         icl::BaselineOptions&) {
//                           return input.ys_BK.roll(1, 1);
//                         }});
//   for (const icl::Baseline& baseline : icl::select_baselines({"least_squares", "last_y"})) {
//     const at::Tensor predictions_BK = baseline.predict({xs_BKD, ys_BK}, {});
//   }
//
// Prediction i is made from points 0 .. i-1 of the prompt alone; prediction 0 is 0. icl's own
// baselines work on each prompt by itself, on the CPU in double precision (gd_network: in float32,
// on the device of the prompts), and give the same bits for any number of threads and any division
// of the prompts into calls.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "icl/evaluation/named_table.h"
#include "icl/tasks/function_class.h"

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
  // Called at least once a second with the share of the work done, 0 .. 1, from one thread at a
  // time, not always the caller's; may throw to stop.
  std::function<void(double share)> progress = {};
};

struct Baseline {
  std::string name;
  std::string description;
  // Returns [B, K] in the type and on the device of the xs.
  std::function<at::Tensor(const BaselineInput&, const BaselineOptions&)> predict;
  // The library whose numbers these are, and its version: they belong to every result.
  std::string library = {};
  std::string library_version = {};
};

// The table. Reading src/evaluation/baselines/table.cpp is reading icl's own. xgboost is there only
// if the build found libxgboost.
NamedTable<Baseline>& baselines();

// By name, in the order asked for, each once; "all" stands for the whole table. Besides the table,
// gd_<steps> and newton_<iterations> are known: iterative solvers of linear regression
// (icl/solvers/spectrum.h). Throws UsageError for an unknown name.
std::vector<Baseline> select_baselines(const std::vector<std::string>& names);

// A baseline or a setting that is left out, and why.
struct LeftOut {
  std::string name;
  std::string reason;
};

// The baselines that a class of functions names for itself (FunctionTraits::baselines), as far as
// this build has them; the others go to `left_out`. Throws UsageError for a name that icl never
// has.
std::vector<Baseline> baselines_of(const FunctionTraits& traits, std::vector<LeftOut>& left_out);

// The penalty lambda of |y - Xw|^2 + lambda |w|^2 whose solution is the posterior mean of a linear
// task: noise variance / weight variance. 1 for a task without noise, where the posterior mean is
// the minimum-norm least-squares solution, which has a baseline of its own.
double bayes_ridge_penalty(const FunctionTraits& traits);

}  // namespace icl
