// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "icl/base/error.h"
#include "src/report/figures.h"

namespace icl::report {
namespace {

// Shot counts at equal distances, since they double and may start at zero.
std::vector<std::pair<double, std::string>> shot_ticks(const std::set<int64_t>& shots) {
  std::vector<std::pair<double, std::string>> ticks;
  for (const int64_t count : shots) {
    ticks.emplace_back(static_cast<double>(ticks.size()), std::to_string(count));
  }
  return ticks;
}

double place_of(const std::set<int64_t>& shots, int64_t count) {
  return static_cast<double>(std::distance(shots.begin(), shots.find(count)));
}

void add_point(Series& series, double x, double y, double stderr_) {
  series.xs.push_back(x);
  series.ys.push_back(y);
  const double half = std::isnan(stderr_) ? 0 : stderr_;
  series.low.push_back(y - half);
  series.high.push_back(y + half);
}

Axis accuracy_axis() {
  return {.label = "Mean accuracy", .low = 0.0, .high = 1.0};
}

std::set<int64_t> all_shots(const std::vector<LanguageEvaluation>& results) {
  std::set<int64_t> shots;
  for (const LanguageEvaluation& result : results) {
    for (const GroupMeans& mean : means_over_tasks(result)) shots.insert(mean.shots);
    for (const ShotResult& task : result.results.results) shots.insert(task.shots);
  }
  return shots;
}

Figure shots_figure(const std::vector<LanguageEvaluation>& results) {
  Figure figure{.id = "language-shots",
                .title = "Accuracy against shots",
                .columns = 2,
                .narrow_columns = 1,
                .aspect = 0.75};
  const std::set<int64_t> shots = all_shots(results);
  for (const bool fixed : {true, false}) {
    LineChart chart{.title = fixed ? "The tasks that every shot count has"
                                   : "All tasks that a shot count has"};
    chart.x = {.label = "Shots", .ticks = shot_ticks(shots)};
    chart.y = accuracy_axis();
    for (size_t i = 0; i < results.size(); ++i) {
      const int hue = static_cast<int>(i) % kHues;
      Series series{.label = results[i].facts.name, .style = {.hue = hue, .marker = hue}};
      for (const GroupMeans& mean : means_over_tasks(results[i])) {
        const TaskMean& over = fixed ? mean.fixed : mean.available;
        if (!std::isfinite(over.accuracy)) continue;
        add_point(series, place_of(shots, mean.shots), over.accuracy, over.standard_error);
      }
      if (!series.xs.empty()) chart.series.push_back(std::move(series));
    }
    if (!chart.series.empty()) figure.panels.emplace_back(std::move(chart));
  }
  figure.caption = "Bands: one standard error either way, where given.";
  return figure;
}

Figure size_figure(const std::vector<LanguageEvaluation>& results) {
  Figure figure{.id = "language-size", .title = "Accuracy against model size", .aspect = 0.42};
  LineChart chart;
  chart.x = {.label = "Parameters", .scale = Scale::kLog};
  chart.y = accuracy_axis();
  std::set<int64_t> common = all_shots(results);
  std::set<std::string> names;  // of families
  for (const LanguageEvaluation& result : results) {
    names.insert(result.facts.family);
    std::erase_if(common, [&](int64_t shots) {
      const std::vector<GroupMeans> means = means_over_tasks(result);
      return std::none_of(means.begin(), means.end(),
                          [&](const GroupMeans& mean) { return mean.shots == shots; });
    });
  }
  if (results.size() < 2 || common.empty()) return figure;
  const int64_t shots = *common.rbegin();
  int hue = 0;
  for (const std::string& name : names) {
    std::vector<std::array<double, 3>> points;
    for (const LanguageEvaluation& result : results) {
      for (const GroupMeans& mean : means_over_tasks(result)) {
        const bool same = result.facts.family == name && mean.shots == shots;
        if (!same || result.facts.parameters <= 0 || !std::isfinite(mean.fixed.accuracy)) continue;
        points.push_back({static_cast<double>(result.facts.parameters), mean.fixed.accuracy,
                          mean.fixed.standard_error});
      }
    }
    std::sort(points.begin(), points.end());
    Series series{.label = family_title(name),
                  .style = {.hue = hue % kHues, .marker = hue % kHues}};
    for (const auto& [size, accuracy, error] : points) add_point(series, size, accuracy, error);
    ++hue;
    if (!series.xs.empty()) chart.series.push_back(std::move(series));
  }
  if (chart.series.empty()) return figure;
  figure.panels.emplace_back(std::move(chart));
  figure.caption = str("Mean accuracy with ", shots,
                       " shots over the tasks that every shot count "
                       "has.");
  return figure;
}

// Accuracy by task and model at the most shots that all have.
Figure tasks_figure(const std::vector<LanguageEvaluation>& results) {
  Figure figure{.id = "language-tasks", .title = "Accuracy by task"};
  std::vector<std::string> tasks;
  for (const LanguageEvaluation& result : results) {
    for (const ShotResult& task : result.results.results) {
      if (std::find(tasks.begin(), tasks.end(), task.task.name) == tasks.end())
        tasks.push_back(task.task.name);
    }
  }
  for (const LanguageEvaluation& result : results) {
    std::set<int64_t> shots;
    for (const ShotResult& task : result.results.results) shots.insert(task.shots);
    HeatMap map{
        .title = result.facts.name, .x_label = "Shots", .value_label = "Accuracy", .rows = tasks};
    for (const int64_t count : shots) map.columns.push_back(std::to_string(count));
    for (const std::string& name : tasks) {
      std::vector<double> row(shots.size(), NAN);
      for (const ShotResult& task : result.results.results) {
        if (task.task.name == name) {
          row[static_cast<size_t>(place_of(shots, task.shots))] = task.accuracy.value;
        }
      }
      map.values.push_back(std::move(row));
    }
    if (!map.columns.empty() && !tasks.empty()) figure.panels.emplace_back(std::move(map));
  }
  figure.columns = std::min<int>(2, std::max<int>(1, static_cast<int>(figure.panels.size())));
  figure.caption = "Empty cells: the task has too few items for that many shots, or was not run.";
  return figure;
}

}  // namespace

std::vector<GroupMeans> means_over_tasks(const LanguageEvaluation& evaluation) {
  std::vector<GroupMeans> means = evaluation.results.means;
  std::erase_if(means, [](const GroupMeans& each) { return each.group != "all"; });
  std::stable_sort(means.begin(), means.end(),
                   [](const GroupMeans& a, const GroupMeans& b) { return a.shots < b.shots; });
  return means;
}

Section language_section(const std::vector<LanguageEvaluation>& results) {
  Section section{.title = "Language tasks"};
  for (Figure& figure :
       std::vector<Figure>{shots_figure(results), size_figure(results), tasks_figure(results)}) {
    if (!figure.panels.empty()) section.figures.push_back({std::move(figure)});
  }
  return section;
}

}  // namespace icl::report
