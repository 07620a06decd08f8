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

Series profile(const Profile& curve, const std::string& label, const SeriesStyle& style) {
  return {.label = label,
          .xs = depths(curve.mean.size()),
          .ys = curve.mean,
          .low = curve.low,
          .high = curve.high,
          .style = style};
}

// A read-out or linear probe of one checkpoint.
template <class Result>
struct Probed {
  const ProbeResult* probe;
  const Result* found;
};

// A run's probes of one kind on one task, one for each checkpoint, in the order of steps.
template <class Result>
std::vector<Probed<Result>> checkpoints_of(const ReportedRun& run, const std::string& task) {
  std::map<int64_t, Probed<Result>> by_step;
  for (const ReportedProbe& probe : run.probes) {
    const auto* found = std::get_if<Result>(&probe.result.found);
    if (found == nullptr || probe.task.key != task) continue;
    by_step[probe.result.from.checkpoint_step] = {&probe.result, found};
  }
  std::vector<Probed<Result>> checkpoints;
  for (const auto& [step, probed] : by_step) checkpoints.push_back(probed);
  return checkpoints;
}

using Readouts = std::vector<Probed<ReadoutResult>>;
using Linears = std::vector<Probed<LinearResult>>;

// The probes of a group's runs on one task.
struct ProbedGroup {
  std::string label;
  SeriesStyle style;
  Readouts readout = {};  // of each run its newest checkpoint's
  Linears linear = {};
  Readouts over_training = {};  // read-outs of the first run's checkpoints
};

std::vector<ProbedGroup> probed_on(const std::string& task, const std::vector<Group>& groups) {
  std::vector<ProbedGroup> probed;
  for (const Group& group : groups) {
    ProbedGroup found{.label = group.label, .style = group.style};
    for (const ReportedRun* run : group.runs) {
      const Readouts readout = checkpoints_of<ReadoutResult>(*run, task);
      const Linears linear = checkpoints_of<LinearResult>(*run, task);
      if (!readout.empty()) found.readout.push_back(readout.back());
      if (!linear.empty()) found.linear.push_back(linear.back());
    }
    found.over_training = checkpoints_of<ReadoutResult>(*group.runs.front(), task);
    if (!found.readout.empty() || !found.linear.empty()) probed.push_back(std::move(found));
  }
  return probed;
}

// What the band of a line over layers means.
template <class Probes>
std::string bands_over(const std::vector<ProbedGroup>& groups, Probes ProbedGroup::*kind) {
  std::vector<size_t> seeds;
  for (const ProbedGroup& group : groups) {
    if (!(group.*kind).empty()) seeds.push_back((group.*kind).size());
  }
  return bands_text(seeds, "95%");
}

// Profiles of one name from all read-outs of a group, as one.
Profile merged(const Readouts& probes, std::vector<Profile> ReadoutResult::*list,
               const std::string& name) {
  std::vector<Profile> profiles;
  for (const Probed<ReadoutResult>& probe : probes) {
    for (const Profile& each : probe.found->*list) {
      if (each.name == name) profiles.push_back(each);
    }
  }
  return over_seeds(profiles);
}

LineChart depth_chart(const std::string& label, Scale scale) {
  LineChart chart;
  chart.x = {.label = "Relative depth (first to last layer)", .low = 0.0, .high = 1.0};
  chart.y = {.label = label, .scale = scale};
  return chart;
}

std::string error_label(const ProbeResult& probe) {
  return probe.normaliser.value == 1 ? "Squared error" : "Normalised squared error";
}

// The errors of a reference after iterations 1, 2, ...: one beside each of `layers`.
Profile step_per_layer(const Profile& reference, size_t layers) {
  const auto cut = [&](const std::vector<double>& values) {
    if (values.size() < 2) return std::vector<double>{};
    const auto end = std::min(values.size(), layers + 1);
    return std::vector<double>(values.begin() + 1, values.begin() + static_cast<ptrdiff_t>(end));
  };
  return {.name = reference.name,
          .mean = cut(reference.mean),
          .std = {},
          .low = cut(reference.low),
          .high = cut(reference.high)};
}

// The least error of a reference, the same beside every layer.
Profile best_step(const Profile& reference, size_t layers) {
  double best = NAN;
  for (const double error : reference.mean) best = std::fmin(best, error);
  return {.name = reference.name,
          .mean = std::vector<double>(std::isnan(best) ? 0 : layers, best),
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
    const Readouts& probes = group.readout;
    if (probes.empty() || probes.front().found->curves.empty()) continue;
    error.y.label = error_label(*probes.front().probe);
    const Profile curve =
        merged(probes, &ReadoutResult::curves, probes.front().found->curves.front().name);
    error.series.push_back(profile(curve, group.label, group.style));
  }
  if (error.series.empty()) return figure;
  size_t deepest = 0;
  for (const Series& series : error.series) deepest = std::max(deepest, series.ys.size());
  int dash = 1;
  for (const ProbedGroup& group : groups) {
    for (const Probed<ReadoutResult>& probe : group.readout) {
      for (const ReferenceProfile& each : probe.found->references) {
        const Profile& reference = each.error;
        const Profile beside = reference.name == "ridge" ? best_step(reference, deepest)
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
      const Profile curve = merged(group.readout, &ReadoutResult::fits, fit);
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
      for (const Match& nearest : group.readout.front().found->matches) {
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
    const Readouts& probes = group.over_training;
    if (probes.size() < 2) continue;
    LineChart chart = depth_chart(error_label(*probes.front().probe), Scale::kLog);
    chart.title = group.label;
    int place = 0;
    for (const Probed<ReadoutResult>& probe : probes) {
      if (probe.found->curves.empty()) continue;
      const std::string label = str("step ", probe.probe->from.checkpoint_step);
      chart.series.push_back(profile(probe.found->curves.front(), label,
                                     {.hue = place % kHues, .dash = place / kHues, .width = 1.6}));
      ++place;
    }
    if (!chart.series.empty()) figure.panels.emplace_back(std::move(chart));
  }
  figure.columns = std::clamp<int>(static_cast<int>(figure.panels.size()), 1, 3);
  figure.caption = "The first run of each model, checkpoint by checkpoint.";
  return figure;
}

// "x token", "both tokens"
std::string tokens_text(const std::string& tokens) {
  return tokens + (tokens == "both" ? " tokens" : " token");
}

bool any_finite(const std::vector<double>& values) {
  return std::any_of(values.begin(), values.end(),
                     [](double value) { return std::isfinite(value); });
}

// One map for each kind of tokens that are read: a row for each target, and a last one for the
// highest of the shuffled targets.
std::vector<HeatMap> target_maps(const ProbedGroup& group) {
  const Probed<LinearResult>& first = group.linear.front();
  const auto layers = static_cast<size_t>(first.probe->n_layer);
  std::vector<HeatMap> maps;
  std::vector<std::vector<double>> shuffled;
  for (const LinearTarget& target : first.found->targets) {
    const std::string title = group.label + ", " + tokens_text(target.tokens);
    const auto found = std::find_if(maps.begin(), maps.end(),
                                    [&](const HeatMap& map) { return map.title == title; });
    const auto place = static_cast<size_t>(found - maps.begin());
    if (found == maps.end()) {
      maps.push_back({.title = title, .x_label = "Layer", .value_label = "R\u00b2"});
      for (size_t i = 0; i < layers; ++i) maps.back().columns.push_back(std::to_string(i));
      shuffled.emplace_back(layers, NAN);
    }
    maps[place].rows.push_back(target.name);
    maps[place].values.push_back(target.r2);
    for (size_t i = 0; i < layers; ++i) {
      shuffled[place][i] = std::fmax(shuffled[place][i], target.control[i]);
    }
  }
  for (size_t i = 0; i < maps.size(); ++i) {
    if (!any_finite(shuffled[i])) continue;
    maps[i].rows.emplace_back("shuffled, highest");
    maps[i].values.push_back(shuffled[i]);
  }
  return maps;
}

Figure targets_figure(const std::vector<ProbedGroup>& groups) {
  Figure maps{
      .id = "probe-targets", .title = "What the layers hold", .columns = 3, .narrow_columns = 1};
  for (const ProbedGroup& group : groups) {
    if (group.linear.empty()) continue;
    for (HeatMap& map : target_maps(group)) maps.panels.emplace_back(std::move(map));
  }
  maps.caption =
      "R\u00b2 on prompts of its own of a ridge regression from the residual stream to each "
      "target, "
      "layer by layer: from the query's x token, from the y token before it, or from both; the "
      "first "
      "run of each model. Last row: the highest of the same targets shuffled among prompts.";
  return maps;
}

// The profile of a target over all runs of a group, or that of the target shuffled.
Profile merged(const Linears& probes, const LinearTarget& wanted, bool control) {
  std::vector<Profile> profiles;
  for (const Probed<LinearResult>& probe : probes) {
    for (const LinearTarget& target : probe.found->targets) {
      if (target.name != wanted.name || target.tokens != wanted.tokens) continue;
      profiles.push_back({.name = target.name,
                          .mean = control ? target.control : target.r2,
                          .std = {},
                          .low = control ? target.control_low : target.low,
                          .high = control ? target.control_high : target.high});
    }
  }
  return over_seeds(profiles);
}

Figure profiles_figure(const std::vector<ProbedGroup>& groups) {
  Figure profiles{.id = "probe-profiles",
                  .title = "Linear probes by depth",
                  .columns = 3,
                  .narrow_columns = 2,
                  .aspect = 0.9};
  std::vector<const LinearTarget*> targets;
  for (const ProbedGroup& group : groups) {
    if (group.linear.empty()) continue;
    for (const LinearTarget& target : group.linear.front().found->targets) {
      const bool known =
          std::any_of(targets.begin(), targets.end(), [&](const LinearTarget* other) {
            return other->name == target.name && other->tokens == target.tokens;
          });
      if (!known) targets.push_back(&target);
    }
  }
  for (const LinearTarget* target : targets) {
    LineChart chart = depth_chart("R\u00b2", Scale::kLinear);
    chart.title = target->name + ", " + tokens_text(target->tokens);
    chart.y.low = 0.0;
    chart.y.high = 1.02;
    for (const ProbedGroup& group : groups) {
      const Profile curve = merged(group.linear, *target, /*control=*/false);
      if (!curve.mean.empty()) chart.series.push_back(profile(curve, group.label, group.style));
      const Profile control = merged(group.linear, *target, /*control=*/true);
      if (!any_finite(control.mean)) continue;
      SeriesStyle style = group.style;
      style.dash = 2;
      style.marker = -1;
      style.width = 1.3;
      chart.series.push_back(profile(control, group.label + ", shuffled targets", style));
    }
    profiles.panels.emplace_back(std::move(chart));
  }
  profiles.caption = "The same over relative depth, with shuffled targets as a control; " +
                     bands_over(groups, &ProbedGroup::linear) + ".";
  return profiles;
}

}  // namespace

Section probing_section(const std::vector<Group>& groups) {
  constexpr size_t kMostOpenPanels = 6;
  std::vector<PromptTask> tasks;
  for (const Group& group : groups) {
    for (const ReportedRun* run : group.runs) {
      for (const ReportedProbe& probe : run->probes) {
        const bool known = std::any_of(tasks.begin(), tasks.end(), [&](const PromptTask& task) {
          return task.key == probe.task.key;
        });
        if (!known) tasks.push_back(probe.task);
      }
    }
  }
  // Figures for each task: the same error says something else of other prompts.
  Section section{.title = "Inside the layers"};
  for (const PromptTask& task : tasks) {
    const std::vector<ProbedGroup> probed = probed_on(task.key, groups);
    // The many small charts say at length what the maps before them say.
    const Figure profiles = profiles_figure(probed);
    for (Figure figure : {readout_figure(probed), nearest_figure(probed), formation_figure(probed),
                          targets_figure(probed), profiles}) {
      if (figure.panels.empty()) continue;
      const bool folded = figure.id == profiles.id || figure.panels.size() > kMostOpenPanels;
      if (tasks.size() > 1) figure.title += ": " + task.label;
      section.figures.push_back({std::move(figure), folded});
    }
  }
  return section;
}

}  // namespace icl::report
