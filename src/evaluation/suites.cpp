// SPDX-License-Identifier: Apache-2.0
#include "icl/evaluation/suites.h"

#include <algorithm>

#include "icl/base/error.h"
#include "icl/base/text.h"

namespace icl {
namespace {

constexpr const char* kLinear = "linear_regression";
constexpr const char* kNoisyLinear = "noisy_linear_regression";

bool is_linear(const TaskConfig& task) {
  return task.function == kLinear || task.function == kNoisyLinear;
}

bool trained_on_isotropic(const InputConfig& inputs) {
  return inputs.distribution == "gaussian" && inputs.scale == 1 && inputs.bias == 0;
}

// Whether the published code evaluates this setting for this class of functions.
bool in_paper(const Setting& setting, const TaskConfig& task) {
  if (setting.name == "standard") return true;
  if (setting.name == "transfer") return applies(setting, task);
  static const std::vector<std::string> beyond = {"training_distribution", "opposite_quadrants",
                                                  "extrapolation"};
  return is_linear(task) && std::find(beyond.begin(), beyond.end(), setting.name) == beyond.end();
}

// Whether "all" includes it.
bool worthwhile(const Setting& setting, const TaskConfig& task) {
  const bool repeats = setting.inputs == "training" && trained_on_isotropic(task.inputs);
  return applies(setting, task) && !repeats;
}

}  // namespace

const std::vector<Setting>& all_settings() {
  // clang-format off
  static const std::vector<Setting> settings = {
      {.name = "standard", .description = "isotropic Gaussian inputs, whatever the model was trained on"},
      {.name = "training_distribution", .description = "inputs distributed as in training", .inputs = "training"},
      {.name = "extrapolation", .description = "isotropic Gaussian inputs, more points than in training", .extrapolates = true},
      {.name = "random_quadrants", .description = "points of one quadrant, queries from anywhere", .strategy = Strategy::kQuadrant},
      {.name = "opposite_quadrants", .description = "points of one quadrant, queries from the opposite one", .strategy = Strategy::kOppositeQuadrant},
      {.name = "orthogonal", .description = "queries orthogonal to all points before them", .strategy = Strategy::kOrthogonal},
      {.name = "overlapping", .description = "queries that repeat a point before them", .strategy = Strategy::kOverlapping},
      {.name = "half_subspace", .description = "inputs in a random subspace of half the dimensions", .inputs = "half_subspace"},
      {.name = "skewed", .description = "inputs with covariance eigenvalues 1/i^2", .inputs = "skewed"},
      {.name = "scale_x_0.333", .description = "inputs times 1/3", .x_scale = 1.0 / 3},
      {.name = "scale_x_0.5", .description = "inputs times 1/2", .x_scale = 0.5},
      {.name = "scale_x_2", .description = "inputs times 2", .x_scale = 2},
      {.name = "scale_x_3", .description = "inputs times 3", .x_scale = 3},
      {.name = "scale_y_0.333", .description = "function values times 1/3", .y_scale = 1.0 / 3},
      {.name = "scale_y_0.5", .description = "function values times 1/2", .y_scale = 0.5},
      {.name = "scale_y_2", .description = "function values times 2", .y_scale = 2},
      {.name = "scale_y_3", .description = "function values times 3", .y_scale = 3},
      {.name = "noisy", .description = "noise of variance 1 on ys, renormalised", .noisy = true},
      {.name = "transfer", .description = "linear functions for a model of two-layer networks", .function = kLinear},
  };
  // clang-format on
  return settings;
}

bool applies(const Setting& setting, const TaskConfig& task) {
  if (setting.noisy) return is_linear(task);
  if (setting.y_scale != 1) return task.function != "linear_classification";
  if (!setting.function.empty()) return task.function == "relu_2nn_regression";
  return true;
}

std::vector<Setting> expand_suites(const std::vector<std::string>& suites, const TaskConfig& task) {
  std::vector<Setting> chosen;
  const auto add = [&](const Setting& setting) {
    for (const Setting& present : chosen) {
      if (present.name == setting.name) return;
    }
    chosen.push_back(setting);
  };
  for (const std::string& suite : suites) {
    std::vector<std::string> known = {"all", "paper"};
    bool found = suite == "all" || suite == "paper";
    for (const Setting& setting : all_settings()) {
      known.push_back(setting.name);
      if (suite == "all" && worthwhile(setting, task)) add(setting);
      if (suite == "paper" && in_paper(setting, task)) add(setting);
      if (suite != setting.name) continue;
      found = true;
      if (!applies(setting, task)) {
        throw UsageError(str("suite '", suite, "' (", setting.description,
                             ") does not apply to a model of ", task.function));
      }
      add(setting);
    }
    if (!found) {
      throw UsageError(str("unknown suite '", suite, "'", did_you_mean(suite, known),
                           " (known: ", join(known), ")"));
    }
  }
  return chosen;
}

TaskConfig task_of(const Setting& setting, const TaskConfig& trained) {
  TaskConfig task = trained;
  task.num_tasks = 0;
  task.num_training_examples = 0;
  if (setting.inputs != "training") {
    task.inputs = InputConfig{};
    task.inputs.distribution = setting.inputs;
    task.inputs.rotation = "fixed";
  }
  task.inputs.scale *= setting.x_scale;
  if (!setting.function.empty()) {
    task.function = setting.function;
    task.scale = 1;
  }
  if (setting.noisy) {
    task.function = kNoisyLinear;
    task.noise_std = 1;
    task.renormalize_ys = true;
  }
  return task;
}

}  // namespace icl
