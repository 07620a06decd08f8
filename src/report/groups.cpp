// SPDX-License-Identifier: Apache-2.0
#include "src/report/groups.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <tuple>

#include "icl/base/error.h"
#include "icl/models/family.h"

namespace icl::report {
namespace {

using Json = nlohmann::ordered_json;

// Keys that say where and how a run was made, not what it is.
bool is_incidental(const std::string& key) {
  static const std::set<std::string> keys = {"name",
                                             "seed",
                                             "device",
                                             "threads",
                                             "training.log_every",
                                             "training.checkpoint_every",
                                             "training.checkpoint_minutes",
                                             "training.stop_after_minutes",
                                             "training.keep_last",
                                             "training.keep_every",
                                             "training.tensorboard"};
  return keys.contains(key) || key.starts_with("evaluation.");
}

void flatten(const Json& json, const std::string& prefix,
             std::map<std::string, std::string>& flat) {
  for (const auto& [key, value] : json.items()) {
    const std::string path = prefix.empty() ? key : prefix + "." + key;
    if (value.is_object()) {
      flatten(value, path, flat);
    } else {
      flat[path] = value.is_string() ? value.get<std::string>()
                                     : value.dump(-1, ' ', false, Json::error_handler_t::replace);
    }
  }
}

// Equal for runs of one config.
std::string identity(const Group& group) {
  if (group.config.empty()) return "path " + group.runs.front()->path.string();
  std::string text;
  for (const auto& [key, value] : group.config) {
    if (!is_incidental(key)) text += key + "=" + value + "\n";
  }
  return text;
}

std::string value_of(const Group& group, const std::string& key) {
  const auto found = group.config.find(key);
  return found == group.config.end() ? "" : found->second;
}

std::vector<std::string> differing(const std::vector<const Group*>& groups) {
  std::set<std::string> keys;
  for (const Group* group : groups) {
    for (const auto& [key, value] : group->config) keys.insert(key);
  }
  std::vector<std::string> found;
  for (const std::string& key : keys) {
    if (is_incidental(key)) continue;
    const std::string first = value_of(*groups.front(), key);
    const bool differs = std::any_of(groups.begin(), groups.end(), [&](const Group* group) {
      return value_of(*group, key) != first;
    });
    if (differs) found.push_back(key);
  }
  return found;
}

std::string last_part(const std::string& key) {
  return key.substr(key.find_last_of('.') + 1);
}

// Names for groups that share a family: what differs if that is short, the run's name otherwise.
void tell_apart(const std::vector<Group*>& same) {
  const std::vector<std::string> keys =
      differing(std::vector<const Group*>(same.begin(), same.end()));
  for (Group* group : same) {
    const ReportedRun& run = *group->runs.front();
    if (!keys.empty() && keys.size() <= 2) {
      for (const std::string& key : keys) {
        const std::string value = value_of(*group, key);
        group->label += ", " + last_part(key) + " " + (value.empty() ? "unset" : value);
      }
    } else {
      group->label = run.name;
    }
  }
  std::map<std::string, int> seen;
  for (Group* group : same) {
    if (++seen[group->label] > 1) group->label += " (" + group->runs.front()->path.string() + ")";
  }
}

// A run joins its group; of two runs of one seed, the one with more to show stands for both.
void join_group(Group& group, const ReportedRun& run) {
  const auto wealth = [](const ReportedRun& each) {
    const auto evaluated =
        std::count_if(each.evaluations.begin(), each.evaluations.end(),
                      [](const ReportedEvaluation& evaluation) { return !evaluation.of_training; });
    return std::tuple(each.steps, static_cast<size_t>(evaluated) + each.probes.size());
  };
  for (const ReportedRun*& known : group.runs) {
    if (known->seed != run.seed) continue;
    const bool better = wealth(run) > wealth(*known);
    group.repeats.push_back(better ? known : &run);
    if (better) known = &run;
    return;
  }
  group.runs.push_back(&run);
}

}  // namespace

std::string family_title(const std::string& family) {
  for (const auto& entry : families().entries()) {
    if (entry.name == family) return entry.make()->title();
  }
  return family;
}

std::vector<Group> group_runs(const std::vector<ReportedRun>& runs) {
  std::vector<Group> groups;
  std::map<std::string, size_t> known;
  for (const ReportedRun& run : runs) {
    Group fresh{.label = run.family.empty() ? run.name : family_title(run.family), .runs = {&run}};
    if (run.config_json.is_object()) flatten(run.config_json, "", fresh.config);
    const auto [place, is_new] = known.emplace(identity(fresh), groups.size());
    if (is_new) {
      groups.push_back(std::move(fresh));
    } else {
      join_group(groups[place->second], run);
    }
  }
  std::map<std::pair<std::string, std::string>, std::vector<Group*>> by_task_and_label;
  for (Group& group : groups) {
    by_task_and_label[{group.runs.front()->task.key, group.label}].push_back(&group);
  }
  for (const auto& [key, same] : by_task_and_label) {
    if (same.size() > 1) tell_apart(same);
  }
  std::map<std::string, int> places;
  for (Group& group : groups) {
    const int place = places.emplace(group.label, static_cast<int>(places.size())).first->second;
    const int hue = place % kHues;
    // Beyond the palette the same colours return with a dash.
    group.style = {.hue = hue, .dash = place < kHues ? 0 : 6, .marker = hue, .width = 2.2};
  }
  return groups;
}

std::vector<std::string> differing_keys(const std::vector<Group>& groups) {
  std::vector<const Group*> pointers;
  for (const Group& group : groups) {
    if (!group.config.empty()) pointers.push_back(&group);
  }
  return pointers.size() < 2 ? std::vector<std::string>{} : differing(pointers);
}

template <class Values>
Values over_seeds(const std::vector<Values>& curves) {
  if (curves.empty()) return {};
  if (curves.size() == 1) return curves.front();
  Values result = curves.front();
  for (auto* list : {&result.mean, &result.std, &result.low, &result.high}) list->clear();
  size_t length = std::numeric_limits<size_t>::max();
  for (const Values& curve : curves) length = std::min(length, curve.mean.size());
  for (size_t i = 0; i < length; ++i) {
    std::vector<double> values;
    for (const Values& curve : curves) {
      if (std::isfinite(curve.mean[i])) values.push_back(curve.mean[i]);
    }
    const auto count = static_cast<double>(values.size());
    double mean = 0, squares = 0;
    for (const double value : values) mean += value / count;
    for (const double value : values) squares += (value - mean) * (value - mean);
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    result.mean.push_back(values.empty() ? NAN : mean);
    result.std.push_back(values.size() < 2 ? NAN : std::sqrt(squares / (count - 1)));
    result.low.push_back(values.empty() ? NAN : *low);
    result.high.push_back(values.empty() ? NAN : *high);
  }
  return result;
}

template Curve over_seeds(const std::vector<Curve>& curves);
template Profile over_seeds(const std::vector<Profile>& curves);

std::string bands_text(const std::vector<size_t>& seeds, const std::string& interval) {
  const auto [fewest, most] = std::minmax_element(seeds.begin(), seeds.end());
  if (seeds.empty() || *most < 2) return "bands are " + interval + " intervals";
  const std::string text = str("lines are means over up to ", *most,
                               " seeds, bands run from the lowest to the highest seed");
  return *fewest > 1 ? text : text + " (of a single run: its " + interval + " interval)";
}

}  // namespace icl::report
