// SPDX-License-Identifier: Apache-2.0
#include "icl/training/objective.h"

#include "icl/base/error.h"
#include "icl/base/random.h"
#include "icl/base/text.h"
#include "icl/runs/loaded_run.h"
#include "src/training/objectives.h"

namespace icl {
namespace {

// "runs/a" or "runs/a:1000" -> folder, and latest, best or a step.
std::pair<std::string, std::string> run_and_checkpoint(const std::string& text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos || text.find('/', colon) != std::string::npos) {
    return {text, "latest"};
  }
  return {text.substr(0, colon), text.substr(colon + 1)};
}

void initialise_from(const std::string& source, torch::nn::Module& module) {
  const auto [run, which] = run_and_checkpoint(source);
  const Checkpoint checkpoint = RunFolder(run).find_checkpoint(which);
  copy_tensors(SafetensorsFile(checkpoint.weights()), checkpoint.weights().string(), module);
}

std::unique_ptr<Objective> make(const RunConfig& config, c10::Device device, bool draw_weights) {
  switch (config.objective_kind()) {
    case ObjectiveKind::kTokens:
      return make_token_objective(config, device, draw_weights);
    case ObjectiveKind::kRegression:
      return make_regression_objective(config, device, draw_weights);
  }
  ICL_ASSERT(false, "no such objective");
}

}  // namespace

SettingErrors Objective::evaluate(const std::function<void()>& /*poll*/) {
  return {};
}

void Objective::export_model(const RunFolder& /*folder*/) {}

TrainingSummary Objective::summarise(const RunFolder& /*folder*/,
                                     const std::vector<double>& last_errors) {
  TrainingSummary summary;
  summary.json = {{"schema", "icl.train"}, {"version", 1}};
  if (last_errors.empty()) return summary;
  summary.text = str("error at the last point of the last batch: ", last_errors.back(), "\n");
  summary.json["last_error"] = last_errors.back();
  return summary;
}

int64_t Objective::parameter_count() {
  int64_t count = 0;
  for (const auto& parameter : module().parameters()) count += parameter.numel();
  return count;
}

void seed_initial_weights(const RunConfig& config) {
  at::manual_seed(RandomStream(static_cast<uint64_t>(config.seed), "initial weights").key());
}

std::unique_ptr<Objective> make_objective(const RunConfig& config, c10::Device device) {
  std::unique_ptr<Objective> objective = make(config, device, config.init_from.empty());
  if (!config.init_from.empty()) initialise_from(config.init_from, objective->module());
  return objective;
}

void check_parameter_groups(const RunConfig& config, Problems& problems) {
  const auto& groups = config.training.optimizer.groups;
  if (groups.empty()) return;
  std::vector<std::string> names;
  try {
    const auto objective = make(config, c10::kCPU, /*draw_weights=*/false);
    for (const auto& item : objective->module().named_parameters()) names.push_back(item.key());
  } catch (const Error&) {
    return;  // the model itself is refused
  }
  std::vector<std::string> words;  // "log_dt", for the nearest right one
  for (const std::string& name : names) words.push_back(name.substr(name.rfind('.') + 1));
  for (size_t i = 0; i < groups.size(); ++i) {
    const std::string& match = groups[i].match;
    const bool found = std::any_of(names.begin(), names.end(), [&](const std::string& name) {
      return name.find(match) != std::string::npos;
    });
    if (found) continue;
    problems.add(str("training.optimizer.groups.", i, ".match"),
                 str("\"", match, "\" is in the name of no parameter", did_you_mean(match, words)));
  }
}

}  // namespace icl
