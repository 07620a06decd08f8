// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "icl/base/error.h"
#include "icl/base/text.h"
#include "icl/report/markup.h"
#include "src/report/figures.h"
#include "src/report/prompt_tasks.h"

namespace icl::report {
namespace {

constexpr size_t kDrawnBaselines = 5;

std::vector<double> counting(size_t length, size_t limit) {
  std::vector<double> xs;
  for (size_t i = 0; i < std::min(length, limit); ++i) xs.push_back(static_cast<double>(i));
  return xs;
}

Series series_of(const Curve& curve, size_t limit) {
  Series series{.xs = counting(curve.mean.size(), limit)};
  const auto cut = [&](const std::vector<double>& values) {
    return std::vector<double>(
        values.begin(),
        values.begin() + static_cast<std::ptrdiff_t>(std::min(values.size(), limit)));
  };
  series.ys = cut(curve.mean);
  series.low = cut(curve.low);
  series.high = cut(curve.high);
  return series;
}

double largest(const std::vector<double>& values) {
  double result = -INFINITY;
  for (const double value : values)
    result = std::isfinite(value) ? std::max(result, value) : result;
  return result;
}

// Up to half above the error of predicting zero, as the models need: baselines may leave the panel.
void set_limits(LineChart& chart, const SettingCurves& curves, size_t limit) {
  double top = 0, zero = 0, lowest = INFINITY;
  for (const ModelCurve& model : curves.models) {
    const Series series = series_of(model.curve, limit);
    top = std::max(top, largest(series.ys));
    for (const double y : series.ys) lowest = y > 0 ? std::min(lowest, y) : lowest;
  }
  if (const Curve* of_zero = baseline_of(curves, "zero")) {
    zero = std::max(zero, largest(series_of(*of_zero, limit).ys));
  }
  if (zero > 0) top = std::clamp(top, 1.04 * zero, 1.5 * zero);
  if (!(top > 0)) top = 1;
  if (chart.y.scale == Scale::kLinear) {
    chart.y.low = 0;
    chart.y.high = 1.06 * top;
    return;
  }
  if (!std::isfinite(lowest)) lowest = top / 100;
  lowest = std::clamp(lowest, 1e-7 * top, top / 20);
  chart.y.low = std::pow(10, std::floor(std::log10(lowest * 0.9) * 2) / 2);
  chart.y.high = 1.6 * top;
}

LineChart curve_panel(const SettingCurves& curves, Scale scale, size_t limit) {
  LineChart chart;
  chart.x = {.label = "In-context examples", .low = 0.0, .whole = true};
  chart.y.scale = scale;
  for (const ModelCurve& model : curves.models) {
    Series series = series_of(model.curve, limit);
    series.label = model.group->label;
    series.style = model.group->style;
    chart.series.push_back(std::move(series));
  }
  size_t drawn = 0;
  for (const Curve& baseline : curves.baselines) {
    Series series = series_of(baseline, limit);
    series.label = baseline_name(baseline.name);
    const int dash = baseline_dash(baseline.name);
    series.style = {.hue = -1, .dash = dash, .width = dash == 4 ? 1.6 : 1.4};
    series.drawn = drawn++ < kDrawnBaselines;
    chart.series.push_back(std::move(series));
  }
  set_limits(chart, curves, limit);
  return chart;
}

// What the band of a line means, and how many prompts are behind it.
std::string interval_text(const SettingCurves& curves) {
  bool band = false;
  std::vector<size_t> seeds;
  for (const ModelCurve& model : curves.models) {
    band = band || !model.curve.low.empty();
    seeds.push_back(model.seeds);
  }
  std::string text;
  if (curves.of_training) {
    text = str(", on the last ", with_commas(curves.n_prompts),
               " prompts of training (fresh functions each; not evaluated yet)");
  } else if (curves.n_prompts > 0) {
    text = str(" over ", with_commas(curves.n_prompts), " prompts");
  }
  // Without an interval of its own, a line has a band where it stands for several seeds.
  return (band ? text + "; " + bands_text(seeds, "90%") : text) + ".";
}

// What the weights have seen, where the models differ in it or have not seen every dimension.
std::string seen_text(const SettingCurves& curves, const PromptTask& task) {
  std::map<std::string, std::vector<std::string>> models_by_seen;
  bool partial = false;
  for (const ModelCurve& model : curves.models) {
    if (model.train_points <= 0) continue;
    std::string seen = "at most " + counted(model.train_points, "point");
    if (model.train_dims > 0 && model.train_dims < task.n_dims) {
      seen += str(" in ", model.train_dims, " of ", counted(task.n_dims, "dimension"));
      partial = true;
    }
    models_by_seen[seen].push_back(model.group->label);
  }
  if (models_by_seen.size() < 2 && !partial) return "";
  std::string text;
  for (const auto& [seen, models] : models_by_seen) {
    text += " In training, " + join(models) + " saw prompts of " + seen + ".";
  }
  return text;
}

std::string left_panel_text(const SettingCurves& curves) {
  std::vector<std::string> hidden;
  for (size_t i = kDrawnBaselines; i < curves.baselines.size(); ++i) {
    hidden.push_back(baseline_name(curves.baselines[i].name));
  }
  return hidden.empty() ? "" : " In the numbers below, not drawn: " + join(hidden) + ".";
}

bool is_squared(const SettingCurves& curves) {
  return curves.metric == "squared error";
}

std::string normalised_text(const SettingCurves& curves) {
  const std::string name = is_squared(curves) ? "Mean squared error" : setting_name(curves.metric);
  if (curves.of_training) return name + " relative to predicting zero";
  const std::string value = shortest(curves.normaliser.value);
  if (curves.normaliser.value == 1) return name;
  const std::string divisor =
      curves.normaliser.name == value ? value : curves.normaliser.name + " = " + value;
  return name + " divided by " + divisor;
}

std::string y_label(const SettingCurves& curves, Scale scale) {
  if (scale == Scale::kLog) return "The same, logarithmic";
  if (is_squared(curves)) return "Normalised squared error";
  return setting_name(curves.metric) + (curves.of_training ? " relative to zero's" : "");
}

size_t trained_limit(const SettingCurves& curves) {
  const int64_t points = curves.train_points();
  return points > 0 ? static_cast<size_t>(std::max<int64_t>(2, points)) : SIZE_MAX;
}

bool reaches_beyond_training(const SettingCurves& curves) {
  return std::any_of(curves.models.begin(), curves.models.end(), [](const ModelCurve& model) {
    return model.train_points > 0 &&
           static_cast<int64_t>(model.curve.mean.size()) > model.train_points + 1;
  });
}

// A line at each length of prompts that some model was trained to, and a tint beyond the longest.
void mark_training_length(LineChart& chart, const SettingCurves& curves, bool label) {
  std::map<int64_t, std::vector<std::string>> models_by_points;
  for (const ModelCurve& model : curves.models) {
    if (model.train_points > 0) models_by_points[model.train_points].push_back(model.group->label);
  }
  if (models_by_points.empty()) return;
  for (const auto& [points, models] : models_by_points) {
    std::string text = "training length";
    if (models_by_points.size() > 1) text += ": " + join(models);
    chart.marks.push_back({static_cast<double>(points - 1), label ? text : ""});
  }
  chart.shade_from = static_cast<double>(models_by_points.rbegin()->first - 1);
}

Figure grid_of_two(const std::string& id, const std::string& title) {
  return {.id = id, .title = title, .panels = {}, .columns = 2, .narrow_columns = 1, .aspect = 0.8};
}

Figure in_context_figure(const SettingCurves& curves, const PromptTask& task) {
  const std::string title =
      setting_name(task.label) + (curves.of_training ? ", training batches" : "");
  Figure figure = grid_of_two("in-context-" + slug(task.label), title);
  for (const Scale scale : {Scale::kLinear, Scale::kLog}) {
    LineChart chart = curve_panel(curves, scale, trained_limit(curves));
    chart.y.label = y_label(curves, scale);
    if (task.n_dims > 0 && task.n_dims < static_cast<int64_t>(chart.series.front().xs.size())) {
      chart.marks.push_back({static_cast<double>(task.n_dims), "n = D"});
    }
    figure.panels.emplace_back(std::move(chart));
  }
  figure.caption = normalised_text(curves) + " at a fresh query after n examples" +
                   interval_text(curves) + seen_text(curves, task) + left_panel_text(curves);
  return figure;
}

Figure extrapolation_figure(const SettingCurves& curves, const PromptTask& task) {
  Figure figure = grid_of_two("extrapolation-" + slug(task.label), setting_name(task.label));
  for (const Scale scale : {Scale::kLinear, Scale::kLog}) {
    LineChart chart = curve_panel(curves, scale, SIZE_MAX);
    chart.y.label = y_label(curves, scale);
    mark_training_length(chart, curves, true);
    figure.panels.emplace_back(std::move(chart));
  }
  figure.caption = str("Prompts longer than any seen in training (tinted: more than ",
                       counted(curves.train_points() - 1, "example"), ")", interval_text(curves),
                       seen_text(curves, task));
  return figure;
}

Figure settings_figure(const std::vector<Group>& groups, const PromptTask& task,
                       const std::vector<std::string>& settings) {
  Figure figure{.id = "settings-" + slug(task.label),
                .title = setting_name(task.label),
                .columns = 4,
                .narrow_columns = 2,
                .aspect = 0.86};
  if (settings.size() < 4) figure.columns = std::max<int>(2, static_cast<int>(settings.size()));
  SettingCurves last;
  for (const std::string& setting : settings) {
    const SettingCurves curves = curves_of(groups, task.key, setting);
    LineChart chart = curve_panel(curves, Scale::kLinear, SIZE_MAX);
    chart.title = setting_name(setting);
    chart.x.label = "";
    if (reaches_beyond_training(curves)) mark_training_length(chart, curves, false);
    figure.panels.emplace_back(std::move(chart));
    last = curves;
  }
  figure.caption = y_label(last, Scale::kLinear) +
                   " against the number of in-context examples, on inputs or functions unlike "
                   "those of the main setting" +
                   interval_text(last) + " The scales of the panels differ.";
  return figure;
}

}  // namespace

Section in_context_section(const std::vector<Group>& groups) {
  Section section{.title = "Error in context"};
  for (const PromptTask& task : tasks_of(groups)) {
    for (const ReportedSetting& setting : settings_of(groups, task.key)) {
      if (!setting.is_main && !setting.of_training) continue;
      section.figures.push_back(
          {in_context_figure(curves_of(groups, task.key, setting.label), task)});
    }
  }
  return section;
}

Section extrapolation_section(const std::vector<Group>& groups) {
  Section section{.title = "Beyond the training length"};
  for (const PromptTask& task : tasks_of(groups)) {
    // The setting made for it, or else a main one of that many points.
    std::optional<SettingCurves> longest;
    for (const ReportedSetting& setting : settings_of(groups, task.key)) {
      if (!setting.extrapolates && (!setting.is_main || longest)) continue;
      SettingCurves curves = curves_of(groups, task.key, setting.label);
      if (reaches_beyond_training(curves)) longest = std::move(curves);
    }
    if (longest) section.figures.push_back({extrapolation_figure(*longest, task)});
  }
  return section;
}

Section settings_section(const std::vector<Group>& groups) {
  constexpr size_t kFewTasks = 2;
  Section section{.title = "Out of distribution"};
  const std::vector<PromptTask> tasks = tasks_of(groups);
  for (const PromptTask& task : tasks) {
    std::vector<std::string> others;
    for (const ReportedSetting& setting : settings_of(groups, task.key)) {
      const bool elsewhere = setting.is_main || setting.of_training || setting.extrapolates;
      if (!elsewhere) others.push_back(setting.label);
    }
    if (others.empty()) continue;
    section.figures.push_back({settings_figure(groups, task, others), tasks.size() > kFewTasks});
  }
  return section;
}

}  // namespace icl::report
