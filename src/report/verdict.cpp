// SPDX-License-Identifier: Apache-2.0
#include "src/report/verdict.h"

#include <algorithm>
#include <cmath>

#include "icl/base/error.h"
#include "icl/base/text.h"

namespace icl::report {
namespace {

// "a", "a and b", "a, b and c"
std::string listing(const std::vector<std::string>& parts) {
  if (parts.size() < 2) return join(parts);
  return join({parts.begin(), parts.end() - 1}) + " and " + parts.back();
}

const Curve* baseline_of(const SettingCurves& curves, const std::string& name) {
  for (const Curve& curve : curves.baselines) {
    if (curve.name == name) return &curve;
  }
  return nullptr;
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
  for (const auto& [group, curve] : curves.models) {
    const double part = part_of_zero(curves, curve, n);
    if (std::isnan(part)) continue;
    parts.push_back(group->label + (parts.empty() ? verb : " ") + percent(part));
  }
  return listing(parts);
}

// " (least squares: 0.31%)"
std::string beside(const SettingCurves& curves, size_t n) {
  const Curve* least_squares = baseline_of(curves, "least_squares");
  if (least_squares != nullptr) {
    const double part = part_of_zero(curves, *least_squares, n);
    if (!std::isnan(part)) return " (least squares: " + percent(part) + ")";
  }
  return "";
}

std::string about_task(const std::vector<Group>& groups, const TaskOfCurves& task) {
  const SettingCurves curves = curves_of(groups, task.key, main_setting(groups, task.key));
  if (curves.models.empty()) return "";
  size_t last = 0;
  for (const auto& [group, curve] : curves.models) last = std::max(last, curve.mean.size() - 1);
  if (curves.train_points && *curves.train_points > 0) {
    last = std::min(last, static_cast<size_t>(*curves.train_points - 1));
  }
  const auto dims = static_cast<size_t>(task.n_dims);
  std::string text = str(static_cast<char>(std::toupper(task.label[0])), task.label.substr(1));
  const std::string zero = " of the error of predicting zero";
  if (task.n_dims > 0 && dims < last) {
    text += str(": with n = ", dims, " in-context examples, as many as input dimensions, ",
                at_examples(curves, dims, " has "), zero, beside(curves, dims), "; with ", last,
                ", ", at_examples(curves, last, " has "), beside(curves, last), ".");
  } else {
    text += str(": with ", last, " in-context examples ", at_examples(curves, last, " has "), zero,
                beside(curves, last), ".");
  }
  if (curves.from_training) text += " This is on training batches: there is no evaluation yet.";
  return text;
}

std::string about_training(const std::vector<Group>& groups) {
  std::vector<std::string> parts;
  for (const Group& group : groups) {
    const RunRecord& run = *group.runs.front();
    std::string text = group.label + " is at step " + with_commas(run.steps);
    if (run.planned_steps > 0) text += " of " + with_commas(run.planned_steps);
    if (!run.training.empty() && std::isfinite(run.training.back().relative_loss)) {
      text += " with a loss of " + percent(run.training.back().relative_loss) +
              " of that of predicting zero";
    }
    parts.push_back(text);
  }
  return "Not evaluated yet: " + listing(parts) + ".";
}

std::string about_language(const std::vector<LanguageResult>& results) {
  const LanguageResult* best = nullptr;
  const ShotMean* mean = nullptr;
  for (const LanguageResult& result : results) {
    if (result.means.empty()) continue;
    const ShotMean& last = result.means.back();
    if (std::isnan(last.fixed) || (mean != nullptr && last.fixed <= mean->fixed)) continue;
    best = &result;
    mean = &last;
  }
  if (best == nullptr) return "";
  std::string text = str("Language tasks: ", best->name, " answers ", percent(mean->fixed),
                         " with ", mean->shots, mean->shots == 1 ? " shot" : " shots");
  const ShotMean& first = best->means.front();
  if (first.shots != mean->shots && !std::isnan(first.fixed)) {
    text += str(" and ", percent(first.fixed), " with ", first.shots);
  }
  return text + (results.size() > 1 ? ", the most of the models." : ".");
}

}  // namespace

std::string verdict(const std::vector<Group>& groups, const std::vector<LanguageResult>& language) {
  std::vector<std::string> sentences;
  for (const TaskOfCurves& task : tasks_of(groups)) {
    const std::string sentence = about_task(groups, task);
    if (!sentence.empty()) sentences.push_back(sentence);
  }
  if (sentences.empty() && !groups.empty()) sentences.push_back(about_training(groups));
  if (const std::string sentence = about_language(language); !sentence.empty()) {
    sentences.push_back(sentence);
  }
  return join(sentences, " ");
}

}  // namespace icl::report
