// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "icl/base/error.h"
#include "icl/base/text.h"
#include "icl/report/markup.h"
#include "src/report/figures.h"

namespace icl::report {
namespace {

struct BaselineLook {
  const char* name;
  const char* label;
  int dash;
};

// In the order of importance: the first few that a result holds are drawn.
constexpr std::array<BaselineLook, 17> kBaselines = {{
    {"zero", "Predicting zero", 4},
    {"least_squares", "Least squares", 1},
    {"ridge", "Ridge", 5},
    {"lasso_0.01", "Lasso 0.01", 6},
    {"xgboost", "XGBoost", 6},
    {"gd_network", "2-layer network, trained", 5},
    {"nearest_3", "3 nearest neighbours", 2},
    {"averaging", "Averaging", 3},
    {"tree_4", "Greedy tree, depth 4", 6},
    {"tree", "Greedy tree", 5},
    {"newton", "Newton iterations", 6},
    {"gd", "Gradient descent", 5},
    {"gd++", "GD++", 2},
    {"lasso_1", "Lasso 1", 6},
    {"lasso_0.1", "Lasso 0.1", 6},
    {"lasso_0.001", "Lasso 0.001", 6},
    {"lasso_0.0001", "Lasso 0.0001", 6},
}};
constexpr size_t kDrawnBaselines = 5;

size_t rank_of(const std::string& baseline) {
  const auto* found = std::find_if(kBaselines.begin(), kBaselines.end(),
                                   [&](const BaselineLook& look) { return look.name == baseline; });
  return static_cast<size_t>(found - kBaselines.begin());
}

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
    const size_t rank = rank_of(baseline.name);
    const int dash = rank < kBaselines.size() ? kBaselines[rank].dash : 6;
    series.style = {.hue = -1, .dash = dash, .width = dash == 4 ? 1.6 : 1.4};
    series.drawn = drawn++ < kDrawnBaselines;
    chart.series.push_back(std::move(series));
  }
  set_limits(chart, curves, limit);
  return chart;
}

// What the band of a line means, and how many prompts are behind it.
std::string interval_text(const SettingCurves& curves) {
  size_t most = 0, fewest = SIZE_MAX;
  bool band = false;
  for (const auto& [group, curve] : curves.models) {
    most = std::max(most, group->runs.size());
    fewest = std::min(fewest, group->runs.size());
    band = band || !curve.low.empty();
  }
  std::string text;
  if (curves.from_training) {
    text = str(", on the last ", with_commas(curves.n_prompts),
               " prompts of training (fresh functions each; not evaluated yet)");
  } else if (curves.n_prompts > 0) {
    text = str(" over ", with_commas(curves.n_prompts), " prompts");
  }
  if (most > 1) {
    text += str("; lines are means over up to ", most,
                " seeds, bands run from the lowest to the "
                "highest seed");
    if (fewest == 1) text += " (of a single run: its 90% interval)";
  } else if (band) {
    text += "; bands are 90% intervals";
  }
  return text + ".";
}

std::string left_panel_text(const SettingCurves& curves) {
  std::vector<std::string> hidden;
  for (size_t i = kDrawnBaselines; i < curves.baselines.size(); ++i) {
    hidden.push_back(baseline_name(curves.baselines[i].name));
  }
  return hidden.empty() ? "" : " In the numbers below, not drawn: " + join(hidden) + ".";
}

std::string normalised_text(const SettingCurves& curves) {
  if (curves.from_training) return "Squared error relative to predicting zero";
  return curves.normaliser == "1" ? "Mean squared error"
                                  : "Mean squared error divided by " + curves.normaliser;
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
                .title = "Error in context: " + task.label,
                .columns = 2,
                .narrow_columns = 1,
                .aspect = 0.8};
  for (const Scale scale : {Scale::kLinear, Scale::kLog}) {
    LineChart chart = curve_panel(curves, scale, trained_limit(curves));
    chart.y.label = scale == Scale::kLinear ? "Normalised squared error" : "The same, logarithmic";
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
    chart.y.label = scale == Scale::kLinear ? "Normalised squared error" : "The same, logarithmic";
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
  figure.caption =
      "Normalised squared error against the number of in-context examples, on inputs "
      "or functions unlike those of the standard setting; the scales of the panels "
      "differ" +
      interval_text(last);
  return figure;
}

std::vector<std::string> settings_of(const std::vector<Group>& groups, const std::string& task) {
  std::vector<std::string> settings;
  for (const Group& group : groups) {
    for (const RunRecord* run : group.runs) {
      for (const Evaluation& evaluation : run->evaluations) {
        const bool known =
            std::find(settings.begin(), settings.end(), evaluation.setting) != settings.end();
        if (evaluation.task_key == task && !known) settings.push_back(evaluation.setting);
      }
    }
  }
  return settings;
}

}  // namespace

std::string setting_name(const std::string& setting) {
  std::string name = setting;
  std::replace(name.begin(), name.end(), '_', ' ');
  if (!name.empty() && name[0] >= 'a' && name[0] <= 'z') name[0] = static_cast<char>(name[0] - 32);
  return name;
}

std::string baseline_name(const std::string& baseline) {
  const size_t rank = rank_of(baseline);
  return rank < kBaselines.size() ? kBaselines[rank].label : setting_name(baseline);
}

std::vector<TaskOfCurves> tasks_of(const std::vector<Group>& groups) {
  std::vector<TaskOfCurves> tasks;
  std::set<std::string> labels;
  for (const Group& group : groups) {
    for (const RunRecord* run : group.runs) {
      for (const Evaluation& evaluation : run->evaluations) {
        const bool known = std::any_of(tasks.begin(), tasks.end(), [&](const TaskOfCurves& task) {
          return task.key == evaluation.task_key;
        });
        if (known) continue;
        std::string label = evaluation.function.empty() ? "unknown task" : evaluation.function;
        std::replace(label.begin(), label.end(), '_', ' ');
        if (evaluation.n_dims > 0) label += str(", ", evaluation.n_dims, " dimensions");
        std::string unique = label;
        for (int i = 2; !labels.insert(unique).second; ++i) unique = str(label, " (", i, ")");
        tasks.push_back({evaluation.task_key, unique, evaluation.n_dims});
      }
    }
  }
  return tasks;
}

SettingCurves curves_of(const std::vector<Group>& groups, const std::string& task_key,
                        const std::string& setting) {
  SettingCurves result;
  for (const Group& group : groups) {
    std::vector<const Curve*> models;
    for (const RunRecord* run : group.runs) {
      for (const Evaluation& evaluation : run->evaluations) {
        if (evaluation.task_key != task_key || evaluation.setting != setting) continue;
        result.n_prompts = std::max(result.n_prompts, evaluation.n_prompts);
        if (!result.train_points) result.train_points = evaluation.train_points;
        result.normaliser = evaluation.normaliser;
        result.from_training = result.from_training || evaluation.from_training;
        for (const Curve& curve : evaluation.curves) {
          if (!curve.baseline) {
            models.push_back(&curve);
            continue;
          }
          const auto same =
              std::find_if(result.baselines.begin(), result.baselines.end(),
                           [&](const Curve& known) { return known.name == curve.name; });
          if (same == result.baselines.end()) {
            result.baselines.push_back(curve);
          } else if (same->mean.size() < curve.mean.size()) {
            *same = curve;
          }
        }
      }
    }
    if (!models.empty()) result.models.emplace_back(&group, over_seeds(models));
  }
  std::stable_sort(
      result.baselines.begin(), result.baselines.end(),
      [](const Curve& a, const Curve& b) { return rank_of(a.name) < rank_of(b.name); });
  return result;
}

Section in_context_section(const std::vector<Group>& groups, const TaskOfCurves& task) {
  Section section{.title = setting_name(task.label)};
  std::vector<std::string> others;
  const std::vector<std::string> settings = settings_of(groups, task.key);
  for (const std::string& setting : settings) {
    if (setting != "standard" && setting != "extrapolation") others.push_back(setting);
  }
  const auto has = [&](const char* name) {
    return std::find(settings.begin(), settings.end(), name) != settings.end();
  };
  const SettingCurves standard = curves_of(groups, task.key, "standard");
  if (has("standard")) section.figures.push_back(in_context_figure(standard, task));
  const SettingCurves longer =
      has("extrapolation") ? curves_of(groups, task.key, "extrapolation") : standard;
  if (reaches_beyond_training(longer)) {
    section.figures.push_back(extrapolation_figure(longer, task));
  }
  if (!others.empty()) section.figures.push_back(settings_figure(groups, task, others));
  return section;
}

}  // namespace icl::report
