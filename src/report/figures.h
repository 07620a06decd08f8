// SPDX-License-Identifier: Apache-2.0
//
// From records to figures. A figure without data is not made.
#pragma once

#include <string>
#include <vector>

#include "src/report/groups.h"

namespace icl::report {

struct Section {
  std::string title;
  std::vector<Figure> figures;
};

// One of the tasks that the runs were evaluated on.
struct TaskOfCurves {
  std::string key;    // Evaluation::task_key
  std::string label;  // "linear regression, 20 dimensions"
  int64_t n_dims = 0;
};

std::vector<TaskOfCurves> tasks_of(const std::vector<Group>& groups);

// The curves of a setting: each group's mean over its seeds, and each baseline once.
struct SettingCurves {
  std::vector<std::pair<const Group*, Curve>> models;
  std::vector<size_t> seeds;     // how many runs each model's curve is the mean of
  std::vector<Curve> baselines;  // in the order of importance
  int64_t n_prompts = 0;
  std::optional<int64_t> train_points;
  std::string metric, normaliser;
  bool from_training = false;  // the curves are of training batches
};

SettingCurves curves_of(const std::vector<Group>& groups, const std::string& task_key,
                        const std::string& setting);

// Those that some run was evaluated in, in the order of finding them.
std::vector<std::string> settings_of(const std::vector<Group>& groups, const std::string& task_key);

// The setting that says most of a task: "standard", or else the first of training batches.
std::string main_setting(const std::vector<Group>& groups, const std::string& task_key);

std::string setting_name(const std::string& setting);    // "scale_x_3" -> "Scale x 3"
std::string baseline_name(const std::string& baseline);  // "nearest_3" -> "3 nearest neighbours"
int baseline_dash(const std::string& baseline);

Section in_context_section(const std::vector<Group>& groups, const TaskOfCurves& task);
Section training_section(const std::vector<Group>& groups);
Section probing_section(const std::vector<Group>& groups);
Section language_section(const std::vector<LanguageResult>& results);

}  // namespace icl::report
