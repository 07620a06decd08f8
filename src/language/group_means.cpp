// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>

#include "icl/language/evaluation.h"

namespace icl {
namespace {

// Tasks of a group that are whole at every one of these shot counts.
std::set<std::string> whole_tasks(const std::vector<ShotResult>& group,
                                  const std::vector<int64_t>& shots) {
  std::set<std::string> tasks;
  for (const ShotResult& first : group) {
    const bool whole = std::all_of(shots.begin(), shots.end(), [&](int64_t count) {
      return std::any_of(group.begin(), group.end(), [&](const ShotResult& result) {
        return std::string_view(result.task.name) == first.task.name && result.shots == count &&
               result.whole();
      });
    });
    if (whole) tasks.insert(first.task.name);
  }
  return tasks;
}

TaskMean mean_of(const std::vector<ShotResult>& group, int64_t shots,
                 const std::set<std::string>& tasks) {
  TaskMean mean;
  double sum = 0, variance = 0;
  for (const ShotResult& result : group) {
    if (result.shots != shots || tasks.count(result.task.name) == 0) continue;
    mean.tasks.emplace_back(result.task.name);
    sum += result.accuracy.value;
    variance += result.accuracy.standard_error * result.accuracy.standard_error;
  }
  if (mean.tasks.empty()) return mean;
  const auto n = static_cast<double>(mean.tasks.size());
  mean.accuracy = sum / n;
  mean.standard_error = std::sqrt(variance) / n;
  return mean;
}

}  // namespace

std::vector<GroupMeans> group_means(const std::vector<ShotResult>& results,
                                    const std::vector<int64_t>& shots) {
  std::vector<std::string> groups = {"all"};
  std::set<std::string> in_paper, others;
  for (const ShotResult& result : results) {
    (result.task.in_paper ? in_paper : others).insert(result.task.name);
  }
  const auto all_in_paper = std::count_if(all_language_tasks().begin(), all_language_tasks().end(),
                                          [](const auto& task) { return task.in_paper; });
  if (static_cast<int64_t>(in_paper.size()) == all_in_paper && !others.empty()) {
    groups.emplace_back("paper");
  }
  for (const ShotResult& result : results) {
    if (std::find(groups.begin(), groups.end(), result.task.category) == groups.end()) {
      groups.emplace_back(result.task.category);
    }
  }
  std::vector<GroupMeans> means;
  for (const std::string& group : groups) {
    std::vector<ShotResult> members;
    for (const ShotResult& result : results) {
      const bool member = group == "all" || group == result.task.category ||
                          (group == "paper" && result.task.in_paper);
      if (!member) continue;
      members.push_back(result);
      members.back().samples.clear();
    }
    const std::set<std::string> fixed = whole_tasks(members, shots);
    for (const int64_t count : shots) {
      means.push_back({.group = group,
                       .shots = count,
                       .fixed = mean_of(members, count, fixed),
                       .available = mean_of(members, count, whole_tasks(members, {count}))});
    }
  }
  return means;
}

}  // namespace icl
