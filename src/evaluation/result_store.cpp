// SPDX-License-Identifier: Apache-2.0
#include "icl/evaluation/result_store.h"

#include <array>
#include <cstdio>
#include <vector>

#include "icl/base/error.h"
#include "icl/base/log.h"
#include "icl/base/text.h"
#include "icl/io/files.h"

namespace icl {
namespace {

namespace fs = std::filesystem;

// "_step00001000"
std::string step_part(int64_t step) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "_step%08lld", static_cast<long long>(step));
  return text.data();
}

std::string curve_names(const EvalResult& result) {
  std::vector<std::string> names;
  for (const Curve& curve : result.curves) names.push_back(curve.name);
  return join(names, " ");
}

// What two results of one name and checkpoint differ in.
std::string differences(const EvalResult& before, const EvalResult& now) {
  std::vector<std::string> parts;
  const auto compare = [&parts](const char* what, const auto& old_value, const auto& new_value) {
    if (old_value != new_value) parts.push_back(str(what, " ", old_value, " -> ", new_value));
  };
  compare("curves", curve_names(before), curve_names(now));
  compare("points", before.n_points, now.n_points);
  compare("prompts", before.n_prompts, now.n_prompts);
  compare("seed", before.seed, now.seed);
  compare("task", before.task.dump(), now.task.dump());
  compare("program", before.from.program_json().dump(), now.from.program_json().dump());
  return parts.empty() ? "other settings" : join(parts);
}

}  // namespace

std::string result_name(const PlannedSetting& planned, std::optional<int64_t> step) {
  const EvaluateOptions defaults;
  const EvaluateOptions& options = planned.options;
  std::string name = planned.setting.name;
  if (step) name += step_part(*step);
  if (options.n_points != 0) name += str("_points", planned.n_points);
  if (options.n_prompts != defaults.n_prompts) name += str("_prompts", options.n_prompts);
  if (options.seed != defaults.seed) name += str("_seed", options.seed);
  return name;
}

void ResultStore::prepare() const {
  make_folders(folder_);
  check_writable(folder_ / "result.json");
}

std::optional<EvalResult> ResultStore::find(const std::string& name, const std::string& key) const {
  const fs::path file = folder_ / (name + ".json");
  if (!fs::exists(file) || !fs::exists(folder_ / (name + ".csv"))) return std::nullopt;
  try {
    EvalResult stored = EvalResult::read(file);
    if (stored.settings_key == key) return stored;
  } catch (const DataError& error) {
    log_warning(str("passing over a stored result: ", error.what()));
  }
  return std::nullopt;
}

void ResultStore::make_way(const std::string& name, const EvalResult& result) const {
  const fs::path file = folder_ / (name + ".json");
  if (!fs::exists(file)) return;
  std::optional<EvalResult> stored;
  try {
    stored = EvalResult::read(file);
  } catch (const DataError& error) {
    log_warning(str("replacing a stored result: ", error.what()));
    return;
  }
  if (stored->settings_key == result.settings_key) return;
  const bool same_weights = stored->from.checkpoint_checksum == result.from.checkpoint_checksum;
  const std::string part = step_part(stored->from.checkpoint_step);
  if (same_weights || name.find(part) != std::string::npos) {
    log_info(str("replacing '", file.string(), "', which differs: ", differences(*stored, result)));
    return;
  }
  const std::string kept = result.setting + part + name.substr(result.setting.size());
  for (const char* extension : {".csv", ".json"}) {
    std::error_code missing;
    fs::rename(folder_ / (name + extension), folder_ / (kept + extension), missing);
  }
  log_info(str("the stored result of step ", stored->from.checkpoint_step, " is kept as '",
               (folder_ / (kept + ".json")).string(), "'"));
}

void ResultStore::write(const std::string& name, const EvalResult& result) const {
  make_folders(folder_);
  make_way(name, result);
  // The JSON last: its key then vouches for both.
  write_file_atomically(folder_ / (name + ".csv"), result.csv());
  write_file_atomically(folder_ / (name + ".json"), result.to_json().dump(1) + "\n");
}

}  // namespace icl
