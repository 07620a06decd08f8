// SPDX-License-Identifier: Apache-2.0
#include "src/report/groups.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "icl/base/error.h"

namespace icl::report {
namespace {

// Keys that say where and how a run was made, not what it is.
bool is_incidental(const std::string& key) {
  static const std::set<std::string> keys = {"name",
                                             "seed",
                                             "device",
                                             "threads",
                                             "training.log_every",
                                             "training.checkpoint_every",
                                             "training.keep_last",
                                             "training.keep_every",
                                             "training.tensorboard"};
  return keys.count(key) > 0 || key.rfind("evaluation.", 0) == 0;
}

std::string identity(const RunRecord& run) {
  if (run.config.empty()) return "path " + run.path.string();
  std::string text;
  for (const auto& [key, value] : run.config) {
    if (!is_incidental(key)) text += key + "=" + value + "\n";
  }
  return text;
}

std::string value_of(const Group& group, const std::string& key) {
  const auto& config = group.runs.front()->config;
  const auto found = config.find(key);
  return found == config.end() ? "" : found->second;
}

std::vector<std::string> differing(const std::vector<const Group*>& groups) {
  std::set<std::string> keys;
  for (const Group* group : groups) {
    for (const auto& [key, value] : group->runs.front()->config) keys.insert(key);
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
    const RunRecord& run = *group->runs.front();
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

}  // namespace

std::string family_name(const std::string& family) {
  constexpr std::array<std::pair<const char*, const char*>, 7> kNames = {
      {{"mamba", "Mamba"},
       {"gpt2", "GPT-2"},
       {"s4", "S4"},
       {"rwkv4", "RWKV-4"},
       {"mambaformer", "MambaFormer"},
       {"gpt_neox", "GPT-NeoX"},
       {"llama", "LLaMA"}}};
  for (const auto& [key, name] : kNames) {
    if (family == key) return name;
  }
  return family;
}

std::vector<Group> group_runs(const std::vector<RunRecord>& runs) {
  std::vector<Group> groups;
  std::map<std::string, size_t> known;
  for (const RunRecord& run : runs) {
    const auto [place, fresh] = known.emplace(identity(run), groups.size());
    if (fresh) {
      groups.emplace_back();
      groups.back().label = run.family.empty() ? run.name : family_name(run.family);
    }
    groups[place->second].runs.push_back(&run);
  }
  std::map<std::string, std::vector<Group*>> by_label;
  for (Group& group : groups) by_label[group.label].push_back(&group);
  for (const auto& [label, same] : by_label) {
    if (same.size() > 1) tell_apart(same);
  }
  for (size_t i = 0; i < groups.size(); ++i) {
    const int hue = static_cast<int>(i) % kHues;
    // Beyond the palette the same colours return with a dash.
    groups[i].style = {.hue = hue, .dash = i < kHues ? 0 : 6, .marker = hue, .width = 2.2};
  }
  return groups;
}

std::vector<std::string> differing_keys(const std::vector<Group>& groups) {
  std::vector<const Group*> pointers;
  for (const Group& group : groups) {
    if (!group.runs.front()->config.empty()) pointers.push_back(&group);
  }
  return pointers.size() < 2 ? std::vector<std::string>{} : differing(pointers);
}

Curve over_seeds(const std::vector<const Curve*>& curves) {
  if (curves.empty()) return {};
  if (curves.size() == 1) return *curves.front();
  Curve result{.name = curves.front()->name, .baseline = curves.front()->baseline};
  size_t length = std::numeric_limits<size_t>::max();
  for (const Curve* curve : curves) length = std::min(length, curve->mean.size());
  const auto count = static_cast<double>(curves.size());
  for (size_t i = 0; i < length; ++i) {
    double sum = 0, low = INFINITY, high = -INFINITY;
    for (const Curve* curve : curves) {
      sum += curve->mean[i];
      low = std::min(low, curve->mean[i]);
      high = std::max(high, curve->mean[i]);
    }
    const double mean = sum / count;
    double squares = 0;
    for (const Curve* curve : curves) squares += (curve->mean[i] - mean) * (curve->mean[i] - mean);
    result.mean.push_back(mean);
    result.std.push_back(std::sqrt(squares / (count - 1)));
    result.low.push_back(low);
    result.high.push_back(high);
  }
  return result;
}

std::string bands_text(const std::vector<size_t>& seeds, const std::string& interval) {
  const auto [fewest, most] = std::minmax_element(seeds.begin(), seeds.end());
  if (seeds.empty() || *most < 2) return "bands are " + interval + " intervals";
  const std::string text = str("lines are means over up to ", *most,
                               " seeds, bands run from the lowest to the highest seed");
  return *fewest > 1 ? text : text + " (of a single run: its " + interval + " interval)";
}

}  // namespace icl::report
