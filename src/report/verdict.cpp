// SPDX-License-Identifier: Apache-2.0
#include "src/report/verdict.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "icl/base/error.h"
#include "icl/base/text.h"

namespace icl::report {
namespace {

// "a", "a and b", "a, b and c"
std::string listing(const std::vector<std::string>& parts) {
  if (parts.size() < 2) return join(parts);
  return join({parts.begin(), parts.end() - 1}) + " and " + parts.back();
}

// The value at n as a part of the error of predicting zero (of the normaliser, without that line).
double part_of_zero(const SettingCurves& curves, const Curve& curve, size_t n) {
  if (n >= curve.mean.size()) return NAN;
  const Curve* zero = baseline_of(curves, "zero");
  return curve.mean[n] / (zero != nullptr && n < zero->mean.size() ? zero->mean[n] : 1.0);
}

// "GPT-2 has 12% and Mamba 7.1%", with `verb` between the first name and its figure.
std::string at_examples(const SettingCurves& curves, size_t n, const std::string& verb) {
  std::vector<std::string> parts;
  for (const ModelCurve& model : curves.models) {
    const double part = part_of_zero(curves, model.curve, n);
    if (!std::isfinite(part)) continue;
    parts.push_back(model.group->label + (parts.empty() ? verb : " ") + percent(part));
  }
  return parts.empty() ? "no model has a finite part" : listing(parts);
}

// " (least squares: 0.31%)"
std::string beside(const SettingCurves& curves, size_t n) {
  const Curve* least_squares = baseline_of(curves, "least_squares");
  if (least_squares != nullptr) {
    const double part = part_of_zero(curves, *least_squares, n);
    if (std::isfinite(part)) return " (least squares: " + percent(part) + ")";
  }
  return "";
}

std::string about_task(const std::vector<Group>& groups, const PromptTask& task) {
  const SettingCurves curves = curves_of(groups, task.key, main_setting(groups, task.key));
  if (curves.models.empty()) return "";
  size_t last = 0;
  for (const ModelCurve& model : curves.models) {
    last = std::max(last, std::max<size_t>(1, model.curve.mean.size()) - 1);
  }
  if (curves.train_points() > 0) {
    last = std::min(last, static_cast<size_t>(curves.train_points() - 1));
  }
  const auto dims = static_cast<size_t>(task.n_dims);
  std::string text = setting_name(task.label);
  const std::string zero = " of the error of predicting zero";
  if (task.n_dims > 0 && dims < last) {
    text += str(": with n = ", dims, " in-context examples, as many as input dimensions, ",
                at_examples(curves, dims, " has "), zero, beside(curves, dims), "; with ", last,
                ", ", at_examples(curves, last, " has "), beside(curves, last), ".");
  } else {
    text += str(": with ", last, " in-context examples ", at_examples(curves, last, " has "), zero,
                beside(curves, last), ".");
  }
  if (curves.of_training) text += " This is on training batches: there is no evaluation yet.";
  return text;
}

// Of many tasks: "Mamba has the least error of the models on 5 of 7 tasks, GPT-2 on 2; ..."
std::string about_tasks(const Summary& summary) {
  std::map<std::string, size_t> wins;
  size_t tasks = 0;
  for (size_t i = 0; i < summary.rows.size(); ++i) {
    const SummaryRow& row = summary.rows[i];
    const bool last_of_task = i + 1 == summary.rows.size() || summary.rows[i + 1].task != row.task;
    if (!last_of_task) continue;
    ++tasks;
    for (size_t m = 0; m < row.cells.size(); ++m)
      wins[summary.models[m]] += row.cells[m].best ? 1 : 0;
  }
  std::vector<std::pair<std::string, size_t>> order(wins.begin(), wins.end());
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  std::vector<std::string> parts;
  for (const auto& [model, count] : order) {
    if (count == 0) continue;
    parts.push_back(parts.empty() ? str(model, " has the least error of the models on ", count,
                                        " of ", tasks, " tasks")
                                  : str(model, " on ", count));
  }
  if (parts.empty()) {
    return str(listing(summary.models), ": the errors on ", tasks,
               " tasks are in the table below.");
  }
  return listing(parts) + ", with the most in-context examples of the table below.";
}

std::string about_training(const std::vector<Group>& groups) {
  constexpr size_t kFew = 6;
  std::vector<std::string> parts;
  for (const Group& group : groups) {
    const ReportedRun& run = *group.runs.front();
    std::string text = group.label + " is at step " + with_commas(run.steps);
    if (run.planned_steps > 0) text += " of " + with_commas(run.planned_steps);
    const std::vector<StepReport>& steps = run.metrics.steps;
    if (!steps.empty() && std::isfinite(steps.back().relative_loss)) {
      text +=
          " with a loss of " + percent(steps.back().relative_loss) + " of that of predicting zero";
    }
    parts.push_back(text);
  }
  if (parts.size() > kFew) return str("None of ", parts.size(), " models is evaluated yet.");
  return "Not evaluated yet: " + listing(parts) + ".";
}

std::string about_language(const std::vector<LanguageEvaluation>& results) {
  const LanguageEvaluation* best = nullptr;
  double accuracy = NAN;
  for (const LanguageEvaluation& result : results) {
    const std::vector<GroupMeans> means = means_over_tasks(result);
    if (means.empty() || !std::isfinite(means.back().fixed.accuracy)) continue;
    if (best != nullptr && means.back().fixed.accuracy <= accuracy) continue;
    best = &result;
    accuracy = means.back().fixed.accuracy;
  }
  if (best == nullptr) return "";
  const std::vector<GroupMeans> means = means_over_tasks(*best);
  const GroupMeans &first = means.front(), &last = means.back();
  std::string text = str("Language tasks: ", best->facts.name, " answers ", percent(accuracy),
                         " with ", last.shots, last.shots == 1 ? " shot" : " shots");
  if (first.shots != last.shots && std::isfinite(first.fixed.accuracy)) {
    text += str(" and ", percent(first.fixed.accuracy), " with ", first.shots);
  }
  return text + (results.size() > 1 ? ", the most of the models." : ".");
}

}  // namespace

std::string verdict(const std::vector<Group>& groups,
                    const std::vector<LanguageEvaluation>& language) {
  constexpr size_t kFewTasks = 2;
  std::vector<std::string> sentences;
  const std::vector<PromptTask> tasks = tasks_of(groups);
  if (tasks.size() > kFewTasks) {
    sentences.push_back(about_tasks(summary_of(groups)));
  } else {
    for (const PromptTask& task : tasks) sentences.push_back(about_task(groups, task));
  }
  std::erase(sentences, "");
  if (sentences.empty() && !groups.empty()) sentences.push_back(about_training(groups));
  if (const std::string sentence = about_language(language); !sentence.empty()) {
    sentences.push_back(sentence);
  }
  return join(sentences, " ");
}

}  // namespace icl::report
