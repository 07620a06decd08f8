// SPDX-License-Identifier: Apache-2.0
#include "icl/cli/eval.h"

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <filesystem>

#include "icl/base/error.h"
#include "icl/base/log.h"
#include "icl/base/text.h"
#include "icl/cli/progress.h"
#include "icl/cli/side_evaluation.h"
#include "icl/cli/signals.h"
#include "icl/evaluation/evaluate.h"
#include "icl/evaluation/results.h"
#include "icl/models/run_folder.h"

namespace icl {
namespace {

void check_count(const char* flag, int64_t value, int64_t low, int64_t high) {
  if (value < low || value > high) {
    throw UsageError(str(flag, " ", value, ": expected ", low, " .. ", high));
  }
}

// The results of all settings, stored ones where they still hold.
nlohmann::ordered_json results_of(const EvalOptions& options, const CommonOptions& common,
                                  const LoadedRun& run) {
  const RunFacts facts = facts_of(run);
  EvaluateOptions how = evaluate_options_of(run.config);
  how.n_points = options.points;
  how.n_prompts = options.prompts;
  how.seed = static_cast<uint64_t>(common.seed.value_or(0));
  how.baselines = options.baselines;
  const std::filesystem::path folder = run.path / "eval";
  const std::vector<Setting> settings = expand_suites(options.suites, run.config.task);
  for (const Setting& setting : settings) {  // complains before any work is done
    baseline_names(options.baselines, run.config.task, setting);
  }

  constexpr int64_t kParts = 1000;
  const auto n_settings = static_cast<int64_t>(settings.size());
  Progress progress("part", kParts, common.show_progress());
  nlohmann::ordered_json results = nlohmann::ordered_json::array();
  for (int64_t i = 0; i < n_settings; ++i) {
    const Setting& setting = settings[i];
    how.progress = [&](const std::string& name, double share) {
      stop_if_asked();
      const double done = (static_cast<double>(i) + share) / static_cast<double>(n_settings);
      progress.update(std::lround(done * kParts), name);
    };
    const std::string key = settings_key(facts, setting, run.config.task, how);
    if (const auto stored = read_result(folder / (setting.name + ".json"), key)) {
      log_info(str(setting.name, ": nothing has changed since it was evaluated"));
      results.push_back(*stored);
      continue;
    }
    const SettingResult result = evaluate_setting(*run.model, run.config.task, setting, how);
    write_result(folder, result, facts, key);
    results.push_back(result_json(result, facts, key));
  }
  progress.finish();
  return results;
}

}  // namespace

void add_eval_options(CLI::App& app, EvalOptions& options) {
  app.add_option("--run", options.run, "run folder");
  app.add_option("--checkpoint", options.checkpoint, "latest, best or a step");
  std::vector<std::string> names = {"paper", "all"};
  for (const Setting& setting : all_settings()) names.push_back(setting.name);
  app.add_option("--suite", options.suites, "settings, comma-separated: " + join(names))
      ->delimiter(',')
      ->allow_extra_args(false)
      ->capture_default_str();
  app.add_option("--points", options.points,
                 "points of a prompt; default: as in training, 200 for extrapolation");
  app.add_option("--prompts", options.prompts, "prompts of a setting")->capture_default_str();
  app.add_option("--baselines", options.baselines,
                 "auto (the paper's for the task), none, all, or names, comma-separated")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->capture_default_str();
}

int run_eval(const EvalOptions& options, const CommonOptions& common) {
  if (options.run.empty()) throw UsageError("--run RUN is required");
  if (options.points != 0) check_count("--points", options.points, 1, 100'000);
  check_count("--prompts", options.prompts, 1, 10'000'000);
  const c10::Device device = prepare_device(common);
  const LoadedRun run = load_run(options.run, options.checkpoint, device);
  try {
    const nlohmann::ordered_json results = results_of(options, common, run);
    if (common.json) {
      std::printf("%s\n", results.dump(1).c_str());
      return 0;
    }
    for (size_t i = 0; i < results.size(); ++i) {
      std::printf("%s%s", i > 0 ? "\n" : "", table_text(results[i]).c_str());
    }
    log_info(str("written to '", (run.path / "eval").string(), "'"));
  } catch (const Interrupted&) {
    log_info("stopped; the settings that were finished are kept");
  }
  return 0;
}

}  // namespace icl
