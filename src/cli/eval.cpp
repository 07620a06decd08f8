// SPDX-License-Identifier: Apache-2.0
#include "icl/cli/eval.h"

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <optional>

#include "icl/base/error.h"
#include "icl/base/log.h"
#include "icl/base/text.h"
#include "icl/cli/progress.h"
#include "icl/cli/signals.h"
#include "icl/evaluation/evaluate.h"
#include "icl/evaluation/result_store.h"
#include "icl/runs/loaded_run.h"

namespace icl {
namespace {

void check_count(const char* flag, int64_t value, int64_t low, int64_t high) {
  if (value < low || value > high) {
    throw UsageError(str(flag, " ", value, ": expected ", low, " .. ", high));
  }
}

EvaluationPlan plan_of(const EvalOptions& options, const CommonOptions& common,
                       const LoadedRun& run) {
  EvaluateOptions how = evaluate_options_of(run);
  how.n_points = options.points;
  how.n_prompts = options.prompts;
  how.seed = static_cast<uint64_t>(common.seed.value_or(0));
  how.baselines = options.baselines;
  EvaluationPlan plan = plan_evaluation(run.config.task, options.suites, how);
  for (const LeftOut& each : plan.skipped) {
    log_warning(str("skipping ", each.name, ": ", each.reason));
  }
  return plan;
}

// Whether results can be stored: a folder that was asked for has to be writable, that of the run
// may be read-only.
bool prepare(const ResultStore& store, const EvalOptions& options) {
  try {
    store.prepare();
    return true;
  } catch (const DataError& error) {
    if (!options.out.empty()) throw;
    log_warning(str("nothing will be stored: ", error.what(), "; --out DIR stores elsewhere"));
    return false;
  }
}

// The results of all settings, stored ones where they still hold.
std::vector<EvalResult> results_of(const EvalOptions& options, const CommonOptions& common,
                                   const LoadedRun& run, const ResultStore& store) {
  EvaluationPlan plan = plan_of(options, common, run);
  const bool stores = prepare(store, options);
  const Provenance weights = provenance_of(run, run.model->parameters().front().device());
  const bool newest = options.checkpoint == EvalOptions{}.checkpoint;
  const auto step = newest ? std::optional<int64_t>() : std::optional(run.checkpoint.step);

  constexpr int64_t kParts = 1000;
  const auto n_settings = static_cast<double>(plan.settings.size());
  Progress progress("part", kParts, common.show_progress());
  std::vector<EvalResult> results;
  for (PlannedSetting& planned : plan.settings) {
    planned.options.progress = [&](const std::string& name, double share) {
      stop_if_asked();
      const double done = (static_cast<double>(results.size()) + share) / n_settings;
      progress.update(std::lround(done * kParts), name);
    };
    const std::string name = result_name(planned, step);
    if (!options.force) {
      if (auto stored = store.find(name, settings_key(planned, weights))) {
        log_info(str(planned.setting.name, ": nothing has changed since it was evaluated"));
        results.push_back(std::move(*stored));
        continue;
      }
    }
    results.push_back(evaluate(*run.model, planned, weights));
    if (stores) store.write(name, results.back());
  }
  progress.finish();
  if (stores && !results.empty()) log_info(str("written to '", store.folder().string(), "'"));
  return results;
}

void print(const std::vector<EvalResult>& results, bool as_json) {
  if (as_json) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const EvalResult& result : results) list.push_back(result.to_json());
    std::printf("%s\n", list.dump(1).c_str());
    return;
  }
  for (size_t i = 0; i < results.size(); ++i) {
    std::printf("%s%s", i > 0 ? "\n" : "", table_text(results[i]).c_str());
  }
}

}  // namespace

void add_eval_options(CLI::App& app, EvalOptions& options) {
  app.add_option("--run", options.run, "run folder");
  app.add_option("--checkpoint", options.checkpoint, "latest, best or a step");
  app.add_option("--suite", options.suites, "settings, comma-separated: " + join(suite_names()))
      ->delimiter(',')
      ->allow_extra_args(false)
      ->capture_default_str();
  app.add_option(
      "--points", options.points,
      "points of a prompt; default: the longest of the run's config, 200 for extrapolation");
  app.add_option("--prompts", options.prompts, "prompts of a setting")->capture_default_str();
  app.add_option("--baselines", options.baselines,
                 "auto (those of the task), none, all, or names, comma-separated")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->capture_default_str();
  app.add_option("--out", options.out, "folder of the results; default: eval/ in the run folder");
  app.add_flag("--force", options.force, "evaluate again what is stored already");
}

int run_eval(const EvalOptions& options, const CommonOptions& common) {
  if (options.run.empty()) throw UsageError("--run RUN is required");
  if (options.points != 0) check_count("--points", options.points, 1, 100'000);
  check_count("--prompts", options.prompts, 1, 10'000'000);
  const c10::Device device = prepare_device(common);
  const LoadedRun run = load_run(options.run, options.checkpoint, device);
  const ResultStore store(options.out.empty() ? RunFolder(options.run).evaluations()
                                              : std::filesystem::path(options.out));
  try {
    print(results_of(options, common, run, store), common.json);
  } catch (const Interrupted&) {
    log_info("stopped; the settings that were finished are kept");
  }
  return 0;
}

int eval_main(int argc, char** argv) {
  Program program("icl-eval",
                  "Measures how a trained model learns in context: its error against the number of "
                  "in-context examples, beside classical learners.",
                  "icl-eval --run runs/a --suite standard,extrapolation\n"
                  "icl-eval --run runs/a --suite all --points 200 --json\n"
                  "icl-eval sample --config configs/quickstart/mamba.json --points 41 "
                  "--prompts 100 --out prompts.safetensors\n"
                  "icl-eval predict --run runs/a --prompts prompts.safetensors --out "
                  "predictions.safetensors --baselines least_squares,nearest_3");
  EvalOptions eval;
  PredictOptions predict;
  SampleOptions sample;
  CLI::App& app = program.app();
  app.require_subcommand(0, 1);
  add_eval_options(app, eval);
  CLI::App& predict_command =
      *app.add_subcommand("predict", "predictions for the prompts of a file");
  add_predict_options(predict_command, predict);
  CLI::App& sample_command =
      *app.add_subcommand("sample", "prompts of a config's task, into a file");
  add_sample_options(sample_command, sample);
  program.refuses(predict_command, {"--json"});
  program.refuses(sample_command, {"--json", "--device", "--no-progress"});
  program.takes_assignments([&] { return sample_command.parsed(); });
  program.refuses(predict_command, {"--json"});  // their results are files
  program.refuses(sample_command, {"--json"});
  return program.run(argc, argv, [&] {
    if (predict_command.parsed()) return run_predict(predict, program.common());
    if (sample_command.parsed()) return run_sample(sample, program.common());
    return run_eval(eval, program.common());
  });
}

}  // namespace icl
