// SPDX-License-Identifier: Apache-2.0
//
// Which curves go together: by task, setting, group of runs and baseline.
#include <algorithm>
#include <array>
#include <set>
#include <tuple>

#include "icl/base/error.h"
#include "icl/base/text.h"
#include "icl/evaluation/settings.h"
#include "src/report/figures.h"
#include "src/report/prompt_tasks.h"

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

size_t rank_of(const std::string& baseline) {
  const auto* found = std::find_if(kBaselines.begin(), kBaselines.end(),
                                   [&](const BaselineLook& look) { return look.name == baseline; });
  return static_cast<size_t>(found - kBaselines.begin());
}

// What a run shows of a setting: the newest checkpoint's result, then the one with the most points.
const ReportedEvaluation* chosen(const ReportedRun& run, const std::string& task_key,
                                 const std::string& setting) {
  const ReportedEvaluation* best = nullptr;
  const auto rank = [](const ReportedEvaluation& each) {
    return std::tuple(each.result.from.checkpoint_step, each.result.n_points,
                      each.result.n_prompts);
  };
  for (const ReportedEvaluation& each : run.evaluations) {
    if (each.task.key != task_key || each.setting != setting) continue;
    if (best == nullptr || rank(each) > rank(*best)) best = &each;
  }
  return best;
}

void add_baseline(std::vector<Curve>& baselines, const Curve& curve) {
  const auto same = std::find_if(baselines.begin(), baselines.end(),
                                 [&](const Curve& known) { return known.name == curve.name; });
  if (same == baselines.end()) {
    baselines.push_back(curve);
  } else if (same->mean.size() < curve.mean.size()) {
    *same = curve;
  }
}

}  // namespace

int64_t SettingCurves::train_points() const {
  int64_t most = 0;
  for (const ModelCurve& model : models) most = std::max(most, model.train_points);
  return most;
}

std::vector<ReportedSetting> settings_of(const std::vector<Group>& groups,
                                         const std::string& task) {
  std::vector<ReportedSetting> found;
  for (const Group& group : groups) {
    for (const ReportedRun* run : group.runs) {
      for (const ReportedEvaluation& each : run->evaluations) {
        const bool known =
            std::any_of(found.begin(), found.end(),
                        [&](const ReportedSetting& other) { return other.label == each.setting; });
        if (each.task.key != task || known) continue;
        const Setting* record = settings().find(each.result.setting);
        found.push_back({.label = each.setting,
                         .of_training = each.of_training,
                         .extrapolates = record != nullptr && record->extrapolates,
                         .is_main = record != nullptr && record == &settings().records().front()});
      }
    }
  }
  return found;
}

std::string setting_name(const std::string& setting) {
  std::string name = spaced(setting);
  if (!name.empty() && name[0] >= 'a' && name[0] <= 'z') name[0] = static_cast<char>(name[0] - 32);
  return name;
}

std::string baseline_name(const std::string& baseline) {
  const size_t rank = rank_of(baseline);
  return rank < kBaselines.size() ? kBaselines[rank].label : setting_name(baseline);
}

int baseline_dash(const std::string& baseline) {
  const size_t rank = rank_of(baseline);
  return rank < kBaselines.size() ? kBaselines[rank].dash : 6;
}

const Curve* baseline_of(const SettingCurves& curves, const std::string& name) {
  for (const Curve& curve : curves.baselines) {
    if (curve.name == name) return &curve;
  }
  return nullptr;
}

std::vector<PromptTask> tasks_of(const std::vector<Group>& groups) {
  std::vector<PromptTask> tasks;
  std::set<std::string> labels;
  for (const Group& group : groups) {
    for (const ReportedRun* run : group.runs) {
      for (const ReportedEvaluation& each : run->evaluations) {
        const bool known = std::any_of(tasks.begin(), tasks.end(), [&](const PromptTask& task) {
          return task.key == each.task.key;
        });
        if (known) continue;
        tasks.push_back(each.task);
        for (int i = 2; !labels.insert(tasks.back().label).second; ++i) {
          tasks.back().label = str(each.task.label, " (", i, ")");
        }
      }
    }
  }
  return tasks;
}

SettingCurves curves_of(const std::vector<Group>& groups, const std::string& task_key,
                        const std::string& setting) {
  SettingCurves found;
  for (const Group& group : groups) {
    ModelCurve model{.group = &group};
    std::vector<Curve> curves;
    for (const ReportedRun* run : group.runs) {
      const ReportedEvaluation* evaluation = chosen(*run, task_key, setting);
      if (evaluation == nullptr) continue;
      const EvalResult& result = evaluation->result;
      found.n_prompts = std::max(found.n_prompts, result.n_prompts);
      found.metric = result.metric.empty() ? "error" : result.metric;
      found.normaliser = result.normaliser;
      found.of_training = evaluation->of_training;
      model.train_points = std::max(model.train_points, result.train_points);
      model.train_dims = std::max(model.train_dims, result.train_dims);
      for (const Curve& curve : result.curves) {
        if (curve.is_model) {
          curves.push_back(curve);
        } else {
          add_baseline(found.baselines, curve);
        }
      }
    }
    if (curves.empty()) continue;
    model.seeds = curves.size();
    model.curve = over_seeds(curves);
    found.models.push_back(std::move(model));
  }
  std::stable_sort(
      found.baselines.begin(), found.baselines.end(),
      [](const Curve& a, const Curve& b) { return rank_of(a.name) < rank_of(b.name); });
  return found;
}

std::string main_setting(const std::vector<Group>& groups, const std::string& task_key) {
  const std::vector<ReportedSetting> found = settings_of(groups, task_key);
  for (const auto wanted : {&ReportedSetting::is_main, &ReportedSetting::of_training}) {
    for (const ReportedSetting& setting : found) {
      if (setting.*wanted) return setting.label;
    }
  }
  return "";
}

}  // namespace icl::report
