// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <map>

#include "icl/base/error.h"
#include "icl/probing/results.h"
#include "src/report/figures.h"

namespace icl::report {
namespace {

std::vector<double> depths(size_t layers) {
  return relative_depths(static_cast<int64_t>(layers));
}

Series profile(const Curve& curve, const std::string& label, const SeriesStyle& style) {
  return {.label = label,
          .xs = depths(curve.mean.size()),
          .ys = curve.mean,
          .low = curve.low,
          .high = curve.high,
          .style = style};
}

// A run's probes of one kind on one task, one for each checkpoint, in the order of steps.
std::vector<const Probe*> checkpoints_of(const RunRecord& run, const std::string& kind,
                                         const std::string& task) {
  std::map<int64_t, const Probe*> by_step;
  for (const Probe& probe : run.probes) {
    if (probe.kind == kind && probe.task_key == task) {
      by_step[probe.checkpoint_step.value_or(0)] = &probe;
    }
  }
  std::vector<const Probe*> found;
  for (const auto& [step, probe] : by_step) found.push_back(probe);
  return found;
}

// The probes of a group's runs on one task.
struct ProbedGroup {
  std::string label;
  SeriesStyle style;
  std::vector<const Probe*> readout, linear;  // of each run its newest checkpoint's
  std::vector<const Probe*> over_training;    // read-outs of the first run's checkpoints
};

std::vector<ProbedGroup> probed_on(const std::string& task, const std::vector<Group>& groups) {
  std::vector<ProbedGroup> probed;
  for (const Group& group : groups) {
    ProbedGroup found{.label = group.label, .style = group.style};
    for (const RunRecord* run : group.runs) {
      const auto readout = checkpoints_of(*run, "readout", task);
      const auto linear = checkpoints_of(*run, "linear", task);
      if (!readout.empty()) found.readout.push_back(readout.back());
      if (!linear.empty()) found.linear.push_back(linear.back());
    }
    found.over_training = checkpoints_of(*group.runs.front(), "readout", task);
    if (!found.readout.empty() || !found.linear.empty()) probed.push_back(std::move(found));
  }
  return probed;
}

// What the band of a line over layers means.
std::string bands_over(const std::vector<ProbedGroup>& groups,
                       std::vector<const Probe*> ProbedGroup::*kind) {
  std::vector<size_t> seeds;
  for (const ProbedGroup& group : groups) {
    if (!(group.*kind).empty()) seeds.push_back((group.*kind).size());
  }
  return bands_text(seeds, "95%");
}

// Curves of one name from all probes of a group, as one.
Curve merged(const std::vector<const Probe*>& probes, std::vector<Curve> Probe::*list,
             const std::string& name, bool baseline = false) {
  std::vector<const Curve*> curves;
  for (const Probe* probe : probes) {
    for (const Curve& curve : probe->*list) {
      if (curve.name == name && curve.baseline == baseline) curves.push_back(&curve);
    }
  }
  return over_seeds(curves);
}

LineChart depth_chart(const std::string& label, Scale scale) {
  LineChart chart;
  chart.x = {.label = "Relative depth (first to last layer)", .low = 0.0, .high = 1.0};
  chart.y = {.label = label, .scale = scale};
  return chart;
}

std::string error_label(const Probe& probe) {
  return probe.normaliser.starts_with("none") ? "Squared error" : "Normalised squared error";
}

// The errors of a reference after iterations 1, 2, ...: one beside each of `layers`.
Curve step_per_layer(const Curve& reference, size_t layers) {
  const auto cut = [&](const std::vector<double>& values) {
    if (values.size() < 2) return std::vector<double>{};
    const auto end = std::min(values.size(), layers + 1);
    return std::vector<double>(values.begin() + 1, values.begin() + static_cast<ptrdiff_t>(end));
  };
  return {.name = reference.name,
          .baseline = true,
          .mean = cut(reference.mean),
          .std = {},
          .low = cut(reference.low),
          .high = cut(reference.high)};
}

// The least error of a reference, the same beside every layer.
Curve best_step(const Curve& reference, size_t layers) {
  if (reference.mean.empty()) return {};
  const auto best = std::min_element(reference.mean.begin(), reference.mean.end());
  return {.name = reference.name,
          .baseline = true,
          .mean = std::vector<double>(layers, *best),
          .std = {},
          .low = {},
          .high = {}};
}

Figure readout_figure(const std::vector<ProbedGroup>& groups) {
  Figure figure{.id = "probe-readout",
                .title = "Read-out after every layer",
                .columns = 2,
                .narrow_columns = 1,
                .aspect = 0.75};
  LineChart error = depth_chart("", Scale::kLog);
  for (const ProbedGroup& group : groups) {
    const auto& probes = group.readout;
    if (probes.empty() || probes.front()->errors.empty()) continue;
    error.y.label = error_label(*probes.front());
    const Curve curve = merged(probes, &Probe::errors, probes.front()->errors.front().name);
    error.series.push_back(profile(curve, group.label, group.style));
  }
  if (error.series.empty()) return figure;
  size_t deepest = 0;
  for (const Series& series : error.series) deepest = std::max(deepest, series.ys.size());
  int dash = 1;
  for (const ProbedGroup& group : groups) {
    for (const Probe* probe : group.readout) {
      for (const Curve& reference : probe->references) {
        const Curve beside = reference.name == "ridge" ? best_step(reference, deepest)
                                                       : step_per_layer(reference, deepest);
        const std::string label = baseline_name(reference.name);
        const bool known = std::any_of(error.series.begin(), error.series.end(),
                                       [&](const Series& series) { return series.label == label; });
        if (known || beside.mean.empty()) continue;
        Series series = profile(beside, label, {.hue = -1, .dash = dash++, .width = 1.4});
        series.xs = depths(deepest);
        series.xs.resize(series.ys.size());
        series.drawn = reference.name != "ridge";  // without noise it would flatten all others
        error.series.push_back(std::move(series));
      }
    }
  }
  figure.panels.emplace_back(std::move(error));
  for (const char* fit : {"scale", "shift"}) {
    LineChart chart =
        depth_chart(fit == std::string("scale") ? "Fitted scale" : "Fitted shift", Scale::kLinear);
    for (const ProbedGroup& group : groups) {
      const Curve curve = merged(group.readout, &Probe::fits, fit);
      if (!curve.mean.empty()) chart.series.push_back(profile(curve, group.label, group.style));
    }
    if (!chart.series.empty()) figure.panels.emplace_back(std::move(chart));
  }
  figure.columns = figure.panels.size() == 3 ? 3 : static_cast<int>(figure.panels.size());
  if (figure.panels.size() == 1) figure.aspect = 0.42;
  if (figure.panels.size() == 3) figure.aspect = 1.0;
  figure.caption =
      "The model's own final norm and read-out applied to the residual stream after each layer, "
      "then a scale and a shift fitted on the last points of each context; " +
      bands_over(groups, &ProbedGroup::readout) +
      ". Grey: solvers on the same prompts, one iteration for each layer of the deepest model. In "
      "the numbers, not drawn: ridge regression with the best penalty.";
  return figure;
}

// Which iteration of a solver a layer's predictions are nearest to, layer by layer.
Figure nearest_figure(const std::vector<ProbedGroup>& groups) {
  Figure figure{.id = "probe-nearest",
                .title = "Which iteration a layer is nearest to",
                .narrow_columns = 2,
                .aspect = 0.9};
  for (const std::string reference : {"gd", "gd++", "newton", "ridge"}) {
    const bool penalties = reference == "ridge";
    LineChart chart = depth_chart(penalties ? "Nearest penalty" : "Nearest iteration",
                                  penalties ? Scale::kLog : Scale::kLinear);
    chart.title = baseline_name(reference);
    for (const ProbedGroup& group : groups) {
      if (group.readout.empty()) continue;
      for (const NearestStep& nearest : group.readout.front()->nearest) {
        if (nearest.reference != reference || nearest.curve != "fitted") continue;
        chart.series.push_back({.label = group.label,
                                .xs = depths(nearest.step.size()),
                                .ys = nearest.step,
                                .low = nearest.low,
                                .high = nearest.high,
                                .style = group.style});
      }
    }
    if (!chart.series.empty()) figure.panels.emplace_back(std::move(chart));
  }
  figure.columns = std::max<int>(1, static_cast<int>(figure.panels.size()));
  figure.caption =
      "The iteration (or penalty) of each solver, on the same prompts, whose predictions are "
      "nearest to those read out after a layer, with 95% intervals; the first run of each model. "
      "Nearest is not near: probe/*.json has the distances.";
  return figure;
}

// How the read-out by layer forms over training, where several checkpoints were probed.
Figure formation_figure(const std::vector<ProbedGroup>& groups) {
  Figure figure{.id = "probe-formation",
                .title = "Read-out over training",
                .narrow_columns = 1,
                .aspect = 0.75};
  for (const ProbedGroup& group : groups) {
    const std::vector<const Probe*>& probes = group.over_training;
    if (probes.size() < 2) continue;
    LineChart chart = depth_chart(error_label(*probes.front()), Scale::kLog);
    chart.title = group.label;
    int place = 0;
    for (const Probe* probe : probes) {
      if (probe->errors.empty()) continue;
      const std::string label = str("step ", probe->checkpoint_step.value_or(0));
      chart.series.push_back(profile(probe->errors.front(), label,
                                     {.hue = place % kHues, .dash = place / kHues, .width = 1.6}));
      ++place;
    }
    if (!chart.series.empty()) figure.panels.emplace_back(std::move(chart));
  }
  figure.columns = std::clamp<int>(static_cast<int>(figure.panels.size()), 1, 3);
  figure.caption = "The first run of each model, checkpoint by checkpoint.";
  return figure;
}

// "y (both)" -> {"y", "both"}
std::pair<std::string, std::string> target_and_tokens(const std::string& name) {
  const size_t open = name.rfind(" (");
  if (open == std::string::npos || name.back() != ')') return {name, ""};
  return {name.substr(0, open), name.substr(open + 2, name.size() - open - 3)};
}

// One map for each kind of tokens that are read: a row for each target, and a last one for the
// highest of the shuffled targets.
std::vector<HeatMap> target_maps(const ProbedGroup& group, const Probe& probe) {
  std::vector<HeatMap> maps;
  std::vector<std::vector<double>> shuffled;
  const auto layers = static_cast<size_t>(probe.n_layers);
  for (const Curve& target : probe.targets) {
    const auto [name, tokens] = target_and_tokens(target.name);
    const std::string title = group.label + (tokens.empty()     ? ""
                                             : tokens == "both" ? ", both"
                                                                : ", " + tokens + " token");
    const auto same = [&](const HeatMap& map) { return map.title == title; };
    const auto found = std::find_if(maps.begin(), maps.end(), same);
    const auto place = static_cast<size_t>(found - maps.begin());
    if (found == maps.end()) {
      maps.push_back({.title = title, .x_label = "Layer", .value_label = "R\u00b2"});
      for (size_t i = 0; i < layers; ++i) maps.back().columns.push_back(std::to_string(i));
      shuffled.emplace_back(layers, NAN);
    }
    std::vector<double> values = target.mean;
    values.resize(layers, NAN);
    if (target.baseline) {
      for (size_t i = 0; i < layers; ++i) {
        shuffled[place][i] = std::fmax(shuffled[place][i], values[i]);
      }
    } else {
      maps[place].rows.push_back(name);
      maps[place].values.push_back(std::move(values));
    }
  }
  for (size_t i = 0; i < maps.size(); ++i) {
    const std::vector<double>& row = shuffled[i];
    if (std::all_of(row.begin(), row.end(), [](double value) { return std::isnan(value); }))
      continue;
    maps[i].rows.emplace_back("shuffled, highest");
    maps[i].values.push_back(row);
  }
  return maps;
}

std::vector<Figure> linear_figures(const std::vector<ProbedGroup>& groups) {
  Figure maps{
      .id = "probe-targets", .title = "What the layers hold", .columns = 3, .narrow_columns = 1};
  Figure profiles{.id = "probe-profiles",
                  .title = "Linear probes by depth",
                  .columns = 3,
                  .narrow_columns = 2,
                  .aspect = 0.9};
  std::vector<std::string> targets;
  for (const ProbedGroup& group : groups) {
    if (group.linear.empty()) continue;
    const Probe& first = *group.linear.front();
    for (HeatMap& map : target_maps(group, first)) maps.panels.emplace_back(std::move(map));
    for (const Curve& target : first.targets) {
      const bool known = std::find(targets.begin(), targets.end(), target.name) != targets.end();
      if (!known) targets.push_back(target.name);
    }
  }
  for (const std::string& target : targets) {
    LineChart chart = depth_chart("R\u00b2", Scale::kLinear);
    chart.title = target;
    chart.y.low = 0.0;
    chart.y.high = 1.02;
    for (const ProbedGroup& group : groups) {
      const Curve curve = merged(group.linear, &Probe::targets, target);
      if (!curve.mean.empty()) chart.series.push_back(profile(curve, group.label, group.style));
      const Curve control = merged(group.linear, &Probe::targets, target, true);
      if (control.mean.empty()) continue;
      SeriesStyle style = group.style;
      style.dash = 2;
      style.marker = -1;
      style.width = 1.3;
      chart.series.push_back(profile(control, group.label + ", shuffled targets", style));
    }
    profiles.panels.emplace_back(std::move(chart));
  }
  maps.caption =
      "R\u00b2 on prompts of its own of a ridge regression from the residual stream to each "
      "target, "
      "layer by layer: from the query's x token, from the y token before it, or from both; the "
      "first "
      "run of each model. Last row: the highest of the same targets shuffled among prompts.";
  profiles.caption = "The same over relative depth, with shuffled targets as a control; " +
                     bands_over(groups, &ProbedGroup::linear) + ".";
  return {maps, profiles};
}

}  // namespace

Section probing_section(const std::vector<Group>& groups) {
  std::vector<std::pair<std::string, std::string>> tasks;  // key, label
  for (const Group& group : groups) {
    for (const RunRecord* run : group.runs) {
      for (const Probe& probe : run->probes) {
        const std::pair<std::string, std::string> task(probe.task_key, probe.task_label);
        if (std::find(tasks.begin(), tasks.end(), task) == tasks.end()) tasks.push_back(task);
      }
    }
  }
  // A panel for each task: the same error says something else of other prompts.
  Section section{.title = "Inside the layers"};
  for (const auto& [key, label] : tasks) {
    const std::vector<ProbedGroup> probed = probed_on(key, groups);
    std::vector<Figure> figures = linear_figures(probed);
    figures.insert(figures.begin(),
                   {readout_figure(probed), nearest_figure(probed), formation_figure(probed)});
    for (Figure& figure : figures) {
      if (figure.panels.empty()) continue;
      if (tasks.size() > 1) figure.title += ": " + label;
      section.figures.push_back(std::move(figure));
    }
  }
  return section;
}

}  // namespace icl::report
