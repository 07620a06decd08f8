// SPDX-License-Identifier: Apache-2.0
//
// From runs and results to figures, one section for each question. A figure without data is not
// made.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "icl/report/table.h"
#include "src/report/groups.h"

namespace icl::report {

// A figure on the page. A folded one is opened by the reader: detail behind another figure.
struct PageFigure {
  Figure figure;
  bool folded = false;
};

struct Section {
  std::string title;
  std::vector<PageFigure> figures = {};
};

// The tasks that the runs were evaluated on, each once; labels are made unique.
std::vector<PromptTask> tasks_of(const std::vector<Group>& groups);

struct ModelCurve {
  const Group* group = nullptr;
  Curve curve;               // the mean over seeds
  size_t seeds = 0;          // how many runs the curve is the mean of
  int64_t train_points = 0;  // longest prompt that the weights have seen; 0: unknown
  int64_t train_dims = 0;    // most dimensions that they have seen; 0: unknown
};

// The curves of a setting: each group's, and each baseline once.
struct SettingCurves {
  std::vector<ModelCurve> models;
  std::vector<Curve> baselines;  // in the order of importance
  int64_t n_prompts = 0;
  std::string metric;
  Normaliser normaliser;
  bool of_training = false;  // the curves are of training batches

  int64_t train_points() const;  // of the model that has seen the longest prompts; 0: unknown
};

// `setting` is the label of ReportedEvaluation. Of several results of one run, the newest
// checkpoint's counts, and of these the one with the most points.
SettingCurves curves_of(const std::vector<Group>& groups, const std::string& task_key,
                        const std::string& setting);

// A setting that some run was evaluated in.
struct ReportedSetting {
  std::string label;
  bool of_training = false;
  bool extrapolates = false;  // as the setting's record says
  bool is_main = false;       // the first of the table of settings
};

// In the order of finding them.
std::vector<ReportedSetting> settings_of(const std::vector<Group>& groups,
                                         const std::string& task_key);

// The label of the setting that says most of a task: the main one, or else the first of training
// batches; "" if there is neither.
std::string main_setting(const std::vector<Group>& groups, const std::string& task_key);

std::string setting_name(const std::string& setting);    // "scale_x_3" -> "Scale x 3"
std::string baseline_name(const std::string& baseline);  // "nearest_3" -> "3 nearest neighbours"
int baseline_dash(const std::string& baseline);
const Curve* baseline_of(const SettingCurves& curves, const std::string& name);  // null: none

// The error of each model after D and 2 D in-context examples (or the most of the training), on
// each task in its main setting.
struct SummaryCell {
  double mean = NAN, low = NAN, high = NAN;
  size_t seeds = 0;
  bool best = false;  // of the models; several if they are equal
};
struct SummaryRow {
  std::string task;
  int64_t n = 0;                   // in-context examples
  std::string meaning;             // "n = D"
  std::vector<SummaryCell> cells;  // one for each of Summary::models
  std::string baseline;            // the best baseline: name and error; "" without one
};
struct Summary {
  std::vector<std::string> models;  // labels of groups
  std::vector<SummaryRow> rows;
};
Summary summary_of(const std::vector<Group>& groups);
Table summary_table(const Summary& summary);

Section in_context_section(const std::vector<Group>& groups);
Section extrapolation_section(const std::vector<Group>& groups);
Section settings_section(const std::vector<Group>& groups);
Section training_section(const std::vector<Group>& groups);
Section probing_section(const std::vector<Group>& groups);
Section language_section(const std::vector<LanguageEvaluation>& results);

// The means over all tasks of a language model, by shots.
std::vector<GroupMeans> means_over_tasks(const LanguageEvaluation& evaluation);

}  // namespace icl::report
