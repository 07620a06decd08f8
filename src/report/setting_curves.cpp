// SPDX-License-Identifier: Apache-2.0
//
// Which curves go together: by task, setting, group of runs and baseline.
#include <algorithm>
#include <array>
#include <set>

#include "icl/base/error.h"
#include "icl/base/text.h"
#include "src/report/figures.h"
#include "src/report/result_files.h"

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

}  // namespace

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

int baseline_dash(const std::string& baseline) {
  const size_t rank = rank_of(baseline);
  return rank < kBaselines.size() ? kBaselines[rank].dash : 6;
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
        const std::string label = task_label(evaluation.function, evaluation.n_dims);
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
  result.from_training = is_of_training(setting);
  for (const Group& group : groups) {
    std::vector<const Curve*> models;
    for (const RunRecord* run : group.runs) {
      for (const Evaluation& evaluation : run->evaluations) {
        if (evaluation.task_key != task_key || evaluation.setting != setting) continue;
        result.n_prompts = std::max(result.n_prompts, evaluation.n_prompts);
        if (!result.train_points) result.train_points = evaluation.train_points;
        result.metric = evaluation.metric;
        result.normaliser = evaluation.normaliser;
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
    if (models.empty()) continue;
    result.models.emplace_back(&group, over_seeds(models));
    result.seeds.push_back(models.size());
  }
  std::stable_sort(
      result.baselines.begin(), result.baselines.end(),
      [](const Curve& a, const Curve& b) { return rank_of(a.name) < rank_of(b.name); });
  return result;
}

std::string main_setting(const std::vector<Group>& groups, const std::string& task_key) {
  const std::vector<std::string> settings = settings_of(groups, task_key);
  if (std::find(settings.begin(), settings.end(), "standard") != settings.end()) return "standard";
  const auto found = std::find_if(settings.begin(), settings.end(), is_of_training);
  return found == settings.end() ? "" : *found;
}

}  // namespace icl::report
