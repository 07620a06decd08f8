// SPDX-License-Identifier: Apache-2.0
//
// What a trained model is tested on: the settings, an open table. A setting says where its inputs
// come from, how its points and queries lie, and of which functions its values are, whatever the
// model was trained on. Reading src/evaluation/settings.cpp is reading icl's own; a program adds
// one of its own before it reads a config:
//
//   icl::settings().add({.name = "mirrored",
//                        .description = "queries opposite to the points",
//                        .arrange = [](const at::Tensor& drawn_BKD, const icl::RandomStream&) {
//                          return icl::Arrangement{drawn_BKD, -drawn_BKD};
//                        }});
//
// A suite is a named list of settings: "paper", what the paper's code evaluates for the class of
// functions, and "all", every setting that says something of the model. Each setting stands for
// itself, too.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "icl/base/random.h"
#include "icl/evaluation/named_table.h"
#include "icl/tasks/task_config.h"

namespace icl {

// The points of prompts [B, K, D], and a query for each of them (undefined: the points themselves).
struct Arrangement {
  at::Tensor xs_BKD;
  at::Tensor queries_BKD;
};

struct Setting {
  std::string name;
  std::string description;
  // Where the inputs come from; no value: as in training, with the rotation of the run.
  std::optional<Inputs> inputs = Inputs(GaussianInputs{});
  double x_scale = 1;  // factor on the inputs
  double y_scale = 1;  // factor on the function values, for classes whose multiples make sense
  // The class of functions, made from the one that the model was trained on; no value: the setting
  // does not apply to such a model. Without a function: the trained class.
  std::function<std::optional<Function>(const Function& trained)> function = {};
  // Query strategy: what becomes of the inputs drawn. Without one, they are points and queries.
  std::function<Arrangement(const at::Tensor& drawn_BKD, const RandomStream& stream)> arrange = {};
  bool within_dims = false;   // of prompts of at most D points
  bool extrapolates = false;  // 200 points unless asked otherwise
  bool of_every_paper_suite = false;
};

// The table.
NamedTable<Setting>& settings();

// The task that the prompts of a setting are drawn from, for a model trained on `trained`; no value
// if the setting does not apply.
std::optional<TaskConfig> task_of(const Setting& setting, const TaskConfig& trained);

// The names that a list of suites may hold: the suites, then every setting.
std::vector<std::string> suite_names();

// The settings of a suite for a model trained on `trained`, in the order of the table; no value if
// `name` is no suite. Throws UsageError if the class of functions names a setting that is not in
// the table.
std::optional<std::vector<Setting>> settings_of_suite(const std::string& name,
                                                      const TaskConfig& trained);

// Prompts of a setting.
struct Prompts {
  at::Tensor xs_BKD;       // float32
  at::Tensor ys_BK;        // what the prompt shows
  at::Tensor queries_BKD;  // undefined: the xs
  at::Tensor targets_BK;   // what prediction i is compared with
};

struct PromptDraw {
  int64_t n_points = 41;
  uint64_t seed = 0;
  int64_t batch = 0;  // index of the batch; a batch is what noise is renormalised over
  int64_t batch_size = 64;
  uint64_t train_seed = 0;            // of the run, for its fixed rotation
  std::string stream = "evaluation";  // separates uses of one seed
};

// `task` is what task_of() gave. A pure function of its arguments: no seed shares prompts with
// training.
Prompts sample_prompts(const Setting& setting, const TaskConfig& task, const PromptDraw& draw);

}  // namespace icl
