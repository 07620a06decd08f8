// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "icl/base/error.h"
#include "icl/base/text.h"
#include "icl/report/markup.h"
#include "src/report/figures.h"
#include "src/report/result_files.h"

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
  for (const auto& [group, curve] : curves.models) {
    const Series series = series_of(curve, limit);
    top = std::max(top, largest(series.ys));
    for (const double y : series.ys) lowest = y > 0 ? std::min(lowest, y) : lowest;
  }
  for (const Curve& baseline : curves.baselines) {
    if (baseline.name == "zero") zero = std::max(zero, largest(series_of(baseline, limit).ys));
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
  for (const auto& [group, curve] : curves.models) {
    Series series = series_of(curve, limit);
    series.label = group->label;
    series.style = group->style;
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
  const bool band = std::any_of(curves.models.begin(), curves.models.end(),
                                [](const auto& model) { return !model.second.low.empty(); });
  std::string text;
  if (curves.from_training) {
    text = str(", on the last ", with_commas(curves.n_prompts),
               " prompts of training (fresh functions each; not evaluated yet)");
  } else if (curves.n_prompts > 0) {
    text = str(" over ", with_commas(curves.n_prompts), " prompts");
  }
  // Without an interval of its own, a line has a band where it stands for several seeds.
  return (band ? text + "; " + bands_text(curves.seeds, "90%") : text) + ".";
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
  if (curves.from_training) return name + " relative to predicting zero";
  return curves.normaliser == "1" ? name : name + " divided by " + curves.normaliser;
}

std::string y_label(const SettingCurves& curves, Scale scale) {
  if (scale == Scale::kLog) return "The same, logarithmic";
  if (is_squared(curves)) return "Normalised squared error";
  return setting_name(curves.metric) + (curves.from_training ? " relative to zero's" : "");
}

size_t trained_limit(const SettingCurves& curves) {
  return curves.train_points ? static_cast<size_t>(std::max<int64_t>(2, *curves.train_points))
                             : SIZE_MAX;
}

bool reaches_beyond_training(const SettingCurves& curves) {
  return curves.train_points &&
         std::any_of(curves.models.begin(), curves.models.end(), [&](const auto& model) {
           return static_cast<int64_t>(model.second.mean.size()) > *curves.train_points + 1;
         });
}

void mark_training_length(LineChart& chart, const SettingCurves& curves, bool label) {
  if (!curves.train_points) return;
  const auto last = static_cast<double>(*curves.train_points - 1);
  chart.shade_from = last;
  chart.marks.push_back({last, label ? "training length" : ""});
}

Figure in_context_figure(const SettingCurves& curves, const TaskOfCurves& task) {
  Figure figure{.id = "in-context-" + slug(task.label),
                .title = "Error in context: " + task.label +
                         (curves.from_training ? ", training batches" : ""),
                .columns = 2,
                .narrow_columns = 1,
                .aspect = 0.8};
  for (const Scale scale : {Scale::kLinear, Scale::kLog}) {
    LineChart chart = curve_panel(curves, scale, trained_limit(curves));
    chart.y.label = y_label(curves, scale);
    if (task.n_dims > 0 && task.n_dims < static_cast<int64_t>(chart.series.front().xs.size())) {
      chart.marks.push_back({static_cast<double>(task.n_dims), "n = D"});
    }
    figure.panels.emplace_back(std::move(chart));
  }
  figure.caption = normalised_text(curves) + " at a fresh query after n examples" +
                   interval_text(curves) + left_panel_text(curves);
  return figure;
}

Figure extrapolation_figure(const SettingCurves& curves, const TaskOfCurves& task) {
  Figure figure{.id = "extrapolation-" + slug(task.label),
                .title = "Beyond the training length",
                .columns = 2,
                .narrow_columns = 1,
                .aspect = 0.8};
  for (const Scale scale : {Scale::kLinear, Scale::kLog}) {
    LineChart chart = curve_panel(curves, scale, SIZE_MAX);
    chart.y.label = y_label(curves, scale);
    mark_training_length(chart, curves, true);
    figure.panels.emplace_back(std::move(chart));
  }
  figure.caption = str("Prompts longer than any seen in training (tinted: more than ",
                       curves.train_points.value_or(1) - 1, " examples)", interval_text(curves));
  return figure;
}

Figure settings_figure(const std::vector<Group>& groups, const TaskOfCurves& task,
                       const std::vector<std::string>& settings) {
  Figure figure{.id = "settings-" + slug(task.label),
                .title = "Out of distribution",
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
                   "those of the standard setting" +
                   interval_text(last) + " The scales of the panels differ.";
  return figure;
}

}  // namespace

Section in_context_section(const std::vector<Group>& groups, const TaskOfCurves& task) {
  Section section{.title = setting_name(task.label)};
  std::vector<std::string> others;
  const std::vector<std::string> settings = settings_of(groups, task.key);
  const auto has = [&](const char* name) {
    return std::find(settings.begin(), settings.end(), name) != settings.end();
  };
  const SettingCurves standard = curves_of(groups, task.key, "standard");
  if (has("standard")) section.figures.push_back(in_context_figure(standard, task));
  for (const std::string& setting : settings) {
    if (is_of_training(setting)) {
      section.figures.push_back(in_context_figure(curves_of(groups, task.key, setting), task));
    } else if (setting != "standard" && setting != "extrapolation") {
      others.push_back(setting);
    }
  }
  const SettingCurves longer =
      has("extrapolation") ? curves_of(groups, task.key, "extrapolation") : standard;
  if (reaches_beyond_training(longer)) {
    section.figures.push_back(extrapolation_figure(longer, task));
  }
  if (!others.empty()) section.figures.push_back(settings_figure(groups, task, others));
  return section;
}

}  // namespace icl::report
