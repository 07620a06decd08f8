// SPDX-License-Identifier: Apache-2.0
#include "icl/runs/run_folder.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "icl/base/error.h"
#include "icl/base/log.h"
#include "icl/base/text.h"
#include "icl/io/files.h"
#include "icl/io/manifest.h"

namespace icl {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
constexpr std::string_view kPrefix = "step_";
constexpr int kStateFormat = 1;

bool is_number(const std::string& text) {
  return !text.empty() && text.size() <= 15 &&
         text.find_first_not_of("0123456789") == std::string::npos;
}

std::optional<int64_t> step_in(const std::string& name) {
  if (name.rfind(kPrefix, 0) != 0 || !is_number(name.substr(kPrefix.size()))) return std::nullopt;
  return std::stoll(name.substr(kPrefix.size()));
}

std::string listed(const std::vector<int64_t>& steps) {
  std::vector<std::string> words;
  for (const int64_t step : steps) words.push_back(std::to_string(step));
  if (words.size() > 12) {
    words.erase(words.begin() + 5, words.end() - 5);
    words.insert(words.begin() + 5, "...");
  }
  return words.empty() ? "none" : join(words);
}

}  // namespace

Json TrainingState::to_json() const {
  Json json = {{"format", kStateFormat}, {"step", step}};
  if (best) json["best"] = {{"step", best->step}, {"error", best->error}};
  if (evaluation_missing) json["evaluation_missing"] = true;
  if (imported) json["imported"] = *imported;
  return json;
}

TrainingState TrainingState::read(const Checkpoint& checkpoint) {
  const std::string where = "'" + checkpoint.state().string() + "': ";
  const Json json = Json::parse(read_file(checkpoint.state()), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("step") || !json["step"].is_number_integer()) {
    throw DataError(where + "damaged: no training state");
  }
  const Json format = json.value("format", Json());
  if (format != kStateFormat) throw DataError(where + "written by a newer version of this program");
  TrainingState state{.step = json["step"].get<int64_t>()};
  if (const auto best = json.find("best"); best != json.end() && best->is_object()) {
    const Json step = best->value("step", Json()), error = best->value("error", Json());
    if (!step.is_number_integer() || !error.is_number()) {
      throw DataError(where + "damaged: 'best' is not a step and an error");
    }
    state.best = {.step = step.get<int64_t>(), .error = error.get<double>()};
  }
  state.evaluation_missing = json.value("evaluation_missing", Json()) == true;
  if (const auto imported = json.find("imported"); imported != json.end()) {
    state.imported = imported->is_string() ? imported->get<std::string>() : "";
  }
  return state;
}

fs::path RunFolder::checkpoint(int64_t step) const {
  std::array<char, 32> name{};
  std::snprintf(name.data(), name.size(), "step_%08lld", static_cast<long long>(step));
  return checkpoints() / name.data();
}

bool RunFolder::holds_run() const {
  return fs::exists(config()) && !checkpoint_steps().empty();
}

std::vector<int64_t> RunFolder::checkpoint_steps() const {
  std::vector<int64_t> steps;
  std::error_code missing;
  for (const auto& entry : fs::directory_iterator(checkpoints(), missing)) {
    if (const auto step = step_in(entry.path().filename().string())) steps.push_back(*step);
  }
  std::sort(steps.begin(), steps.end());
  return steps;
}

std::optional<int64_t> RunFolder::linked_step(const std::string& name) const {
  std::error_code missing;
  const fs::path target = fs::read_symlink(link(name), missing);
  return missing ? std::nullopt : step_in(target.filename().string());
}

Checkpoint RunFolder::open(int64_t step) const {
  const fs::path path = checkpoint(step);
  return {path, step, verify_sealed_folder(path)};
}

Checkpoint RunFolder::newest_whole() const {
  std::string last_problem;
  // A run that is being trained may remove a checkpoint while it is looked at: then there is a
  // newer one.
  for (int attempt = 0; attempt < 5; ++attempt) {
    const std::vector<int64_t> steps = checkpoint_steps();
    if (steps.empty()) break;
    for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
      try {
        return open(*step);
      } catch (const DataError& error) {
        last_problem = error.what();
        if (fs::exists(checkpoint(*step))) {
          log_warning(str("passing over a damaged checkpoint: ", last_problem));
        }
      }
    }
    if (checkpoint_steps() == steps) break;
  }
  throw DataError(last_problem.empty()
                      ? str("'", path_.string(), "': there is no checkpoint yet")
                      : str("every checkpoint is damaged; the last: ", last_problem));
}

Checkpoint RunFolder::best() const {
  std::optional<int64_t> step = linked_step("best");
  if (!step) {  // the file system may know no links
    if (const auto best = TrainingState::read(newest_whole()).best) step = best->step;
  }
  if (!step) {
    throw DataError(str("'", path_.string(),
                        "': no checkpoint is marked best (training marks one when "
                        "evaluation.every is set)"));
  }
  return open(*step);
}

Checkpoint RunFolder::find_checkpoint(const std::string& which) const {
  if (!fs::is_directory(path_)) {
    throw DataError(str("'", path_.string(), "': there is no such run folder"));
  }
  if (which == "latest") return newest_whole();
  if (which == "best") return best();
  if (!is_number(which)) {
    throw UsageError(str("checkpoint '", which, "': expected latest, best or a step"));
  }
  const int64_t step = std::stoll(which);
  const std::vector<int64_t> steps = checkpoint_steps();
  if (std::find(steps.begin(), steps.end(), step) == steps.end()) {
    throw DataError(str("'", path_.string(), "': there is no checkpoint of step ", step,
                        "; there are: ", listed(steps)));
  }
  return open(step);
}

}  // namespace icl
