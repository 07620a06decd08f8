// SPDX-License-Identifier: Apache-2.0
//
// Which model learns which task: errors at two numbers of in-context examples.
#include <algorithm>
#include <cmath>

#include "icl/base/error.h"
#include "src/report/figures.h"

namespace icl::report {
namespace {

// The numbers of examples of a task's rows: D and 2 D, none beyond the training or the curves.
std::vector<std::pair<int64_t, std::string>> places_of(const SettingCurves& curves,
                                                       const PromptTask& task) {
  int64_t last = 0;
  for (const ModelCurve& model : curves.models) {
    last = std::max(last, static_cast<int64_t>(model.curve.mean.size()) - 1);
  }
  if (curves.train_points() > 0) last = std::min(last, curves.train_points() - 1);
  if (last < 0) return {};
  std::vector<std::pair<int64_t, std::string>> places;
  if (task.n_dims > 0 && task.n_dims < last) places.emplace_back(task.n_dims, "n = D");
  const bool reaches = task.n_dims > 0 && 2 * task.n_dims <= last;
  places.emplace_back(reaches ? 2 * task.n_dims : last,
                      reaches ? "n = 2D" : "the most of training");
  return places;
}

double value_at(const std::vector<double>& values, int64_t n) {
  return n < static_cast<int64_t>(values.size()) ? values[static_cast<size_t>(n)] : NAN;
}

std::string best_baseline(const SettingCurves& curves, int64_t n) {
  const Curve* best = nullptr;
  for (const Curve& curve : curves.baselines) {
    const double value = value_at(curve.mean, n);
    if (!std::isfinite(value)) continue;
    if (best == nullptr || value < value_at(best->mean, n)) best = &curve;
  }
  return best == nullptr ? ""
                         : baseline_name(best->name) + " " + short_number(value_at(best->mean, n));
}

// Of one model alone there is no best.
void mark_best(std::vector<SummaryCell>& cells) {
  double best = INFINITY;
  size_t finite = 0;
  for (const SummaryCell& cell : cells) {
    best = std::fmin(best, cell.mean);
    finite += std::isfinite(cell.mean) ? 1 : 0;
  }
  if (finite < 2) return;
  for (SummaryCell& cell : cells) cell.best = std::isfinite(cell.mean) && cell.mean == best;
}

}  // namespace

Summary summary_of(const std::vector<Group>& groups) {
  Summary summary;
  for (const Group& group : groups) {
    std::vector<std::string>& models = summary.models;
    if (std::find(models.begin(), models.end(), group.label) == models.end())
      models.push_back(group.label);
  }
  for (const PromptTask& task : tasks_of(groups)) {
    const SettingCurves curves = curves_of(groups, task.key, main_setting(groups, task.key));
    if (curves.models.empty()) continue;
    for (const auto& [n, meaning] : places_of(curves, task)) {
      SummaryRow row{.task = setting_name(task.label), .n = n, .meaning = meaning};
      row.cells.resize(summary.models.size());
      for (const ModelCurve& model : curves.models) {
        const auto place =
            std::find(summary.models.begin(), summary.models.end(), model.group->label);
        SummaryCell& cell = row.cells[static_cast<size_t>(place - summary.models.begin())];
        cell = {.mean = value_at(model.curve.mean, n),
                .low = value_at(model.curve.low, n),
                .high = value_at(model.curve.high, n),
                .seeds = model.seeds};
      }
      mark_best(row.cells);
      row.baseline = best_baseline(curves, n);
      summary.rows.push_back(std::move(row));
    }
  }
  // A model that was evaluated on no task has no column.
  for (size_t column = summary.models.size(); column-- > 0;) {
    const bool used =
        std::any_of(summary.rows.begin(), summary.rows.end(),
                    [&](const SummaryRow& row) { return row.cells[column].seeds > 0; });
    if (used) continue;
    const auto offset = static_cast<std::ptrdiff_t>(column);
    summary.models.erase(summary.models.begin() + offset);
    for (SummaryRow& row : summary.rows) row.cells.erase(row.cells.begin() + offset);
  }
  return summary;
}

Table summary_table(const Summary& summary) {
  Table table{{"task", "n", "model", "error", "low", "high", "seeds", "best"}, {}};
  for (const SummaryRow& row : summary.rows) {
    for (size_t i = 0; i < summary.models.size(); ++i) {
      const SummaryCell& cell = row.cells[i];
      if (cell.seeds == 0) continue;
      table.rows.push_back({row.task, static_cast<double>(row.n), summary.models[i], cell.mean,
                            cell.low, cell.high, static_cast<double>(cell.seeds),
                            cell.best ? "yes" : "no"});
    }
  }
  return table;
}

}  // namespace icl::report
