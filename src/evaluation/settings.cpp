// SPDX-License-Identifier: Apache-2.0
//
// The settings that icl has.
#include "icl/evaluation/settings.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "icl/base/error.h"
#include "icl/base/text.h"
#include "icl/tasks/rotated_inputs.h"
#include "icl/tasks/task_sampler.h"
#include "src/evaluation/strategies.h"

namespace icl {
namespace {

const std::string kAll = "all";
const std::string kPaper = "paper";

NamedTable<Setting> own_settings() {
  // One rotation for all prompts.
  const Inputs skewed = SkewedInputs{.rotation = "fixed"};
  const Inputs half_subspace = HalfSubspaceInputs{.rotation = "fixed"};
  const auto noisy = [](const Function& trained) { return trained->noisy(); };
  const auto transfer = [](const Function& trained) { return trained->transfer(); };
  NamedTable<Setting> table("setting");
  // clang-format off
  table.add({.name = "standard", .description = "isotropic Gaussian inputs, whatever the model was trained on", .of_every_paper_suite = true})
      .add({.name = "training_distribution", .description = "inputs distributed as in training", .inputs = std::nullopt})
      .add({.name = "extrapolation", .description = "isotropic Gaussian inputs, more points than in training", .extrapolates = true})
      .add({.name = "random_quadrants", .description = "points of one quadrant, queries from anywhere", .arrange = points_of_a_quadrant})
      .add({.name = "opposite_quadrants", .description = "points of one quadrant, queries from the opposite one", .arrange = queries_of_the_opposite_quadrant})
      .add({.name = "orthogonal", .description = "queries orthogonal to all points before them", .arrange = orthogonal_queries, .within_dims = true})
      .add({.name = "overlapping", .description = "queries that repeat a point before them", .arrange = overlapping_queries})
      .add({.name = "half_subspace", .description = "inputs in a random subspace of half the dimensions", .inputs = half_subspace})
      .add({.name = "skewed", .description = "inputs with covariance eigenvalues 1/i^2", .inputs = skewed})
      .add({.name = "scale_x_0.333", .description = "inputs times 1/3 (times 0.333 in the paper's code)", .x_scale = 1.0 / 3})
      .add({.name = "scale_x_0.5", .description = "inputs times 1/2", .x_scale = 0.5})
      .add({.name = "scale_x_2", .description = "inputs times 2", .x_scale = 2})
      .add({.name = "scale_x_3", .description = "inputs times 3", .x_scale = 3})
      .add({.name = "scale_y_0.333", .description = "function values times 1/3 (times 0.333 in the paper's code)", .y_scale = 1.0 / 3})
      .add({.name = "scale_y_0.5", .description = "function values times 1/2", .y_scale = 0.5})
      .add({.name = "scale_y_2", .description = "function values times 2", .y_scale = 2})
      .add({.name = "scale_y_3", .description = "function values times 3", .y_scale = 3})
      .add({.name = "noisy", .description = "noise of variance 1 on ys, renormalised", .function = noisy})
      .add({.name = "transfer", .description = "a simpler class of functions than the model was trained on", .function = transfer});
  // clang-format on
  return table;
}

bool contains(const std::vector<std::string>& list, const std::string& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

void check_known(const std::vector<std::string>& names, const TaskConfig& trained) {
  for (const std::string& name : names) {
    if (settings().find(name) != nullptr) continue;
    throw UsageError(str("task function '", trained.function.name(), "' names the setting '", name,
                         "', which is not in the table", did_you_mean(name, settings().names())));
  }
}

}  // namespace

NamedTable<Setting>& settings() {
  static NamedTable<Setting> table = own_settings();
  return table;
}

std::optional<TaskConfig> task_of(const Setting& setting, const TaskConfig& trained) {
  if (setting.y_scale != 1 && !trained.traits().scales) return std::nullopt;
  TaskConfig task = trained;
  task.num_tasks = 0;
  task.num_training_examples = 0;
  if (setting.inputs) task.inputs = InputConfig{.distribution = *setting.inputs};
  task.inputs.scale *= setting.x_scale;
  if (setting.function) {
    const std::optional<Function> function = setting.function(trained.function);
    if (!function) return std::nullopt;
    task.function = *function;
  }
  return task;
}

std::vector<std::string> suite_names() {
  std::vector<std::string> names = {kPaper, kAll};
  for (const std::string& name : settings().names()) names.push_back(name);
  return names;
}

std::optional<std::vector<Setting>> settings_of_suite(const std::string& name,
                                                      const TaskConfig& trained) {
  std::vector<Setting> chosen;
  if (name != kAll && name != kPaper) {
    const Setting* setting = settings().find(name);
    if (setting == nullptr) return std::nullopt;
    return std::vector<Setting>{*setting};
  }
  const std::vector<std::string> of_paper = trained.traits().paper_settings;
  check_known(of_paper, trained);
  for (const Setting& setting : settings().records()) {
    if (!task_of(setting, trained)) continue;
    // Nothing else than "standard" shows.
    const bool repeats = !setting.inputs && trained.inputs.is_standard();
    const bool belongs =
        name == kAll ? !repeats : setting.of_every_paper_suite || contains(of_paper, setting.name);
    if (belongs) chosen.push_back(setting);
  }
  return chosen;
}

Prompts sample_prompts(const Setting& setting, const TaskConfig& task, const PromptDraw& draw) {
  const RandomStream stream(draw.seed, draw.stream);
  const RandomStream own = stream.at_step(draw.batch);
  const RandomStream rotation =
      setting.inputs ? stream.child("fixed") : rotation_of_run(draw.train_seed);
  const int64_t n_dims = task.n_dims;
  const at::Tensor drawn =
      sample_inputs(task.inputs, n_dims, own, rotation, draw.batch_size, draw.n_points, n_dims);
  const Functions functions(task, own, draw.batch_size, n_dims);
  const Arrangement points = setting.arrange ? setting.arrange(drawn, own) : Arrangement{drawn, {}};
  Prompts prompts{.xs_BKD = points.xs_BKD, .queries_BKD = points.queries_BKD};
  if (!prompts.queries_BKD.defined()) {
    prompts.ys_BK = functions.observe(prompts.xs_BKD) * setting.y_scale;
    prompts.targets_BK = prompts.ys_BK;
    return prompts;
  }
  // Together, so that both are renormalised by one factor.
  const at::Tensor both =
      functions.observe(at::cat({prompts.xs_BKD, prompts.queries_BKD}, 1)) * setting.y_scale;
  prompts.ys_BK = both.narrow(1, 0, draw.n_points).contiguous();
  prompts.targets_BK = both.narrow(1, draw.n_points, draw.n_points).contiguous();
  return prompts;
}

}  // namespace icl
