// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "icl/base/error.h"
#include "icl/base/text.h"
#include "src/report/figures.h"

namespace icl::report {
namespace {

constexpr int64_t kBins = 100;  // more points than this cannot be told apart on the page

// Means, lowest and highest within equal stretches of steps that all runs share.
Series binned(const ReportedRun& run, double StepReport::*field, int64_t steps_per_bin) {
  struct Bin {
    double sum = 0, low = INFINITY, high = -INFINITY;
    int64_t count = 0;
  };
  std::map<int64_t, Bin> bins;
  for (const StepReport& step : run.metrics.steps) {
    const double value = step.*field;
    if (!std::isfinite(value)) continue;
    Bin& bin = bins[step.step / steps_per_bin];
    bin.sum += value;
    bin.low = std::min(bin.low, value);
    bin.high = std::max(bin.high, value);
    ++bin.count;
  }
  Series series;
  for (const auto& [index, bin] : bins) {
    const int64_t middle = index * steps_per_bin + steps_per_bin / 2;
    series.xs.push_back(static_cast<double>(middle));
    series.ys.push_back(bin.sum / static_cast<double>(bin.count));
    series.low.push_back(bin.low);
    series.high.push_back(bin.high);
  }
  return series;
}

int64_t steps_per_bin(const std::vector<Group>& groups) {
  int64_t last = 0;
  for (const Group& group : groups) {
    for (const ReportedRun* run : group.runs) {
      if (!run->metrics.steps.empty()) last = std::max(last, run->metrics.steps.back().step);
    }
  }
  return std::max<int64_t>(1, (last + kBins) / kBins);
}

// The first logged steps at which the curriculum had moved on, if all runs agree.
void mark_curriculum(LineChart& chart, const std::vector<Group>& groups) {
  const ReportedRun* longest = nullptr;
  for (const Group& group : groups) {
    for (const ReportedRun* run : group.runs) {
      const bool longer =
          longest == nullptr || run->metrics.steps.size() > longest->metrics.steps.size();
      if (longer) longest = run;
    }
  }
  if (longest == nullptr || longest->metrics.steps.empty()) return;
  const std::vector<StepReport>& steps = longest->metrics.steps;
  for (size_t i = 1; i < steps.size(); ++i) {
    const bool moved =
        steps[i].n_points != steps[i - 1].n_points || steps[i].n_dims != steps[i - 1].n_dims;
    if (moved) chart.stages.push_back(static_cast<double>(steps[i].step));
  }
  const StepReport& first = steps.front();
  const StepReport& last = steps.back();
  chart.stages_label = str("curriculum: ", first.n_dims, " \u2192 ", last.n_dims, " dimensions, ",
                           first.n_points, " \u2192 ", last.n_points, " points");
}

LineChart training_panel(const std::vector<Group>& groups, double StepReport::*field,
                         const std::string& label) {
  LineChart chart;
  chart.x = {.label = "Training step", .low = 0.0, .whole = true};
  chart.y = {.label = label, .scale = Scale::kLog};
  const int64_t per_bin = steps_per_bin(groups);
  for (const Group& group : groups) {
    bool first = true;
    for (const ReportedRun* run : group.runs) {
      Series series = binned(*run, field, per_bin);
      if (series.xs.empty()) continue;
      series.label = group.label;
      series.style = group.style;
      series.style.width = 1.6;
      series.style.faint = group.runs.size() > 1;
      if (!first) series.style.marker = -1;
      series.in_legend = first;
      if (group.runs.size() > 1) {
        if (run->seed) series.label += str(", seed ", *run->seed);
        series.low.clear();
        series.high.clear();
      }
      first = false;
      chart.series.push_back(std::move(series));
    }
  }
  return chart;
}

// A legend names the group, not one of its seeds.
void name_groups_in_legend(LineChart& chart, const std::vector<Group>& groups) {
  for (Series& series : chart.series) {
    if (!series.in_legend) continue;
    for (const Group& group : groups) {
      const bool own = series.label.rfind(group.label + ", seed ", 0) == 0;
      if (own && group.runs.size() > 1) {
        series.label = str(group.label, " (", group.runs.size(), " seeds)");
      }
    }
  }
}

Figure loss_figure(const std::vector<Group>& groups) {
  Figure figure{.id = "training",
                .title = "Loss and gradient norm",
                .columns = 2,
                .narrow_columns = 1,
                .aspect = 0.72};
  LineChart loss =
      training_panel(groups, &StepReport::relative_loss, "Loss relative to predicting zero");
  LineChart norm = training_panel(groups, &StepReport::grad_norm, "Gradient norm");
  if (loss.series.empty() && norm.series.empty()) return figure;
  mark_curriculum(loss, groups);
  for (LineChart* chart : {&loss, &norm}) {
    name_groups_in_legend(*chart, groups);
    if (!chart->series.empty()) figure.panels.emplace_back(*chart);
  }
  const int64_t per_bin = steps_per_bin(groups);
  const bool seeds = std::any_of(groups.begin(), groups.end(),
                                 [](const Group& group) { return group.runs.size() > 1; });
  figure.caption = str("Means over stretches of ", with_commas(per_bin),
                       per_bin == 1 ? " step" : " steps", seeds ? "; one line for each seed" : "",
                       "; bands, where drawn, run from the lowest to the highest logged value. "
                       "Ticks at the upper edge: the curriculum moves on.");
  return figure;
}

// Errors by setting measured while training: at the last point, over steps.
Figure side_figure(const std::vector<Group>& groups) {
  Figure figure{.id = "evaluation-over-training",
                .title = "Evaluation over training",
                .columns = 2,
                .narrow_columns = 1,
                .aspect = 0.72};
  std::set<std::string> settings;
  for (const Group& group : groups) {
    for (const ReportedRun* run : group.runs) {
      for (const SideReport& side : run->metrics.evaluations) {
        for (const auto& [setting, errors] : side.errors) settings.insert(setting);
      }
    }
  }
  for (const std::string& setting : settings) {
    LineChart chart{.title = setting_name(setting)};
    chart.x = {.label = "Training step", .low = 0.0, .whole = true};
    chart.y = {.label = "Normalised error at the last point", .scale = Scale::kLog};
    for (const Group& group : groups) {
      bool first = true;
      for (const ReportedRun* run : group.runs) {
        Series series{.label = group.label, .style = group.style, .in_legend = first};
        series.style.faint = group.runs.size() > 1;
        for (const SideReport& side : run->metrics.evaluations) {
          const auto found = std::find_if(side.errors.begin(), side.errors.end(),
                                          [&](const auto& each) { return each.first == setting; });
          if (found == side.errors.end() || found->second.empty()) continue;
          series.xs.push_back(static_cast<double>(side.step + 1));
          series.ys.push_back(found->second.back());
        }
        if (series.xs.empty()) continue;
        if (group.runs.size() > 1 && run->seed) series.label += str(", seed ", *run->seed);
        first = false;
        chart.series.push_back(std::move(series));
      }
    }
    name_groups_in_legend(chart, groups);
    figure.panels.emplace_back(std::move(chart));
  }
  if (figure.panels.size() == 1) figure.aspect = 0.4;
  figure.caption =
      "Error after the most in-context examples, measured on fresh prompts during "
      "training.";
  return figure;
}

}  // namespace

Section training_section(const std::vector<Group>& groups) {
  Section section{.title = "Training"};
  std::vector<std::string> keys;
  for (const Group& group : groups) {
    const std::string& key = group.runs.front()->task.key;
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
  }
  for (const std::string& key : keys) {
    std::vector<Group> of_task = groups;
    std::erase_if(of_task, [&](const Group& group) { return group.runs.front()->task.key != key; });
    const std::string& label = of_task.front().runs.front()->task.label;
    for (Figure figure : {loss_figure(of_task), side_figure(of_task)}) {
      if (figure.panels.empty()) continue;
      if (keys.size() > 1) figure.title += ": " + (label.empty() ? "unknown task" : label);
      section.figures.push_back({std::move(figure), /*folded=*/keys.size() > 2});
    }
  }
  return section;
}

}  // namespace icl::report
