// SPDX-License-Identifier: Apache-2.0
#include "icl/cli/train.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <sys/resource.h>
#include <torch/version.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

#include "icl/base/error.h"
#include "icl/base/log.h"
#include "icl/base/text.h"
#include "icl/cli/progress.h"
#include "icl/cli/side_evaluation.h"
#include "icl/cli/signals.h"
#include "icl/evaluation/results.h"
#include "icl/io/files.h"
#include "icl/report/tensorboard.h"
#include "icl/training/trainer.h"

namespace icl {
namespace {

using Json = nlohmann::ordered_json;

// The config file, or the one in the run folder that is resumed; flags win over both.
RunConfig effective_config(const TrainOptions& options, const CommonOptions& common) {
  const std::filesystem::path own = std::filesystem::path(options.out) / "config.json";
  std::filesystem::path path = options.config;
  if (path.empty()) {
    if (!options.resume || options.out.empty()) {
      throw UsageError("--config FILE is required (or --out RUN --resume to continue a run)");
    }
    path = own;
  }
  std::vector<std::string> assignments = common.set;
  if (common.seed) assignments.push_back(str("seed=", *common.seed));
  if (common.device) assignments.push_back("device=" + *common.device);
  if (common.threads) assignments.push_back(str("threads=", *common.threads));
  if (path != own || std::filesystem::exists(own)) return load_run_config(path, assignments);
  throw DataError(str("'", own.string(), "': missing; --out '", options.out, "' holds no run"));
}

std::string number(const char* format, double value) {
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

double peak_memory(c10::Device device) {
  if (device.is_cuda()) {
    // The allocator's own peak would need the CUDA headers; the process's is what a person sees.
    log_debug("memory is that of the host process");
  }
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024;
}

// Builds the model, runs a few steps at the curriculum's final size, and says what to expect.
int dry_run(const RunConfig& config, c10::Device device, bool as_json) {
  Trainer trainer(config, device);
  const int64_t last = config.training.steps - 1;
  const auto timed_step = [&](std::optional<StepReport>& report) {
    const auto start = std::chrono::steady_clock::now();
    report = trainer.step(last, /*report=*/true);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  std::optional<StepReport> report, again;
  double seconds = timed_step(report);
  // The first step is slower than the rest.
  const int more = seconds < 1 ? 5 : seconds < 10 ? 1 : 0;
  for (int i = 0; i < more; ++i, stop_if_asked()) seconds = std::min(seconds, timed_step(again));
  const int64_t parameters = trainer.objective().parameter_count();
  const double state_bytes = 3.0 * 4.0 * static_cast<double>(parameters);
  const double total = seconds * static_cast<double>(config.training.steps);
  if (as_json) {
    const Json result = {{"schema", "icl.dry_run"},
                         {"version", 1},
                         {"parameters", parameters},
                         {"state_bytes", state_bytes},
                         {"peak_memory_bytes", peak_memory(device)},
                         {"seconds_per_step", seconds},
                         {"seconds_in_all", total},
                         {"loss", report->loss}};
    std::printf("%s\n", result.dump(2).c_str());
    return 0;
  }
  std::printf("model       %s, %lld blocks of width %lld\n", config.model.family.c_str(),
              static_cast<long long>(config.model.n_layer),
              static_cast<long long>(config.model.d_model));
  std::printf("parameters  %s\n", with_commas(parameters).c_str());
  std::printf("memory      %s weights and optimizer; %s peak of the process in one step\n",
              human_bytes(state_bytes).c_str(), human_bytes(peak_memory(device)).c_str());
  const std::string shape =
      trains_language(config) ? str(report->n_points, " demonstrations")
                              : str(report->n_points, " points in ", report->n_dims, " dimensions");
  std::printf("step        %.2f s for %lld prompts of %s, on %s\n", seconds,
              static_cast<long long>(config.training.batch_size), shape.c_str(),
              device.str().c_str());
  std::printf("time        about %s for %s steps, were all of the final size\n",
              human_duration(total).c_str(), with_commas(config.training.steps).c_str());
  std::printf("loss        %.4f, %.3f of always predicting zero\n", report->loss,
              report->relative_loss);
  return 0;
}

Json facts_of(const RunConfig& config, const Trainer& trainer, c10::Device device,
              int64_t parameters) {
  return {{"name", config.name},
          {"icl_version", version_text()},
          {"git", git_commit()},
          {"torch", TORCH_VERSION},
          {"device", device.str()},
          {"threads", at::get_num_threads()},
          {"family", config.model.family},
          {"parameters", parameters},
          {"first_step", trainer.next_step()}};
}

// A run resumed with another number of threads sums in another order: say so.
void warn_of_other_threads(const std::filesystem::path& run) {
  const Json record = Json::parse(read_file(run / "run.json"), nullptr, /*allow_exceptions=*/false);
  const bool told =
      record.is_object() && record.contains("threads") && record["threads"].is_number_integer();
  const int before = told ? record["threads"].get<int>() : 0;
  if (before != 0 && before != at::get_num_threads()) {
    log_warning(str("this run had ", before, " threads so far and continues with ",
                    at::get_num_threads(), ": the result can differ in the last bits"));
  }
}

std::string details_of(const StepReport& report) {
  return str("loss ", number("%.4f", report.loss), "  last point ",
             number("%.4f", report.errors.empty() ? 0 : report.errors.back()), "  lr ",
             number("%.1e", report.lr), "  ", number("%.0f", report.prompts_per_s), " prompts/s");
}

// What metrics.jsonl gets, as TensorBoard events too where the config asks for them.
class Events {
 public:
  Events(const RunConfig& config, const std::filesystem::path& run) {
    if (config.training.tensorboard) writer_.emplace(run, now());
  }
  void step(const StepReport& report) {
    if (!writer_) return;
    const auto count = [](int64_t value) { return static_cast<double>(value); };
    const std::array<std::pair<const char*, double>, 8> scalars{{
        {"train/loss", report.loss},
        {"train/relative_loss", report.relative_loss},
        {"train/last_point_error", report.errors.empty() ? 0 : report.errors.back()},
        {"train/grad_norm", report.grad_norm},
        {"train/lr", report.lr},
        {"train/prompts_per_s", report.prompts_per_s},
        {"curriculum/n_points", count(report.n_points)},
        {"curriculum/n_dims", count(report.n_dims)},
    }};
    for (const auto& [tag, value] : scalars) writer_->scalar(tag, value, report.step, now());
  }
  void evaluation(const SettingErrors& errors, int64_t step) {
    if (!writer_) return;
    for (const auto& [setting, curve] : errors) {
      if (!curve.empty()) {
        writer_->scalar("evaluation/" + setting + "/last_point", curve.back(), step, now());
      }
    }
  }

 private:
  static double now() {
    return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
  std::optional<report::TensorBoardWriter> writer_;
};

// How good the trained model is, for people or as JSON.
void print_final_errors(RegressionModel& model, const RunConfig& config, bool as_json) {
  const SettingResult result = final_evaluation(model, config);
  const int64_t n = result.n_points - 1;
  if (!as_json) {
    std::printf("%s\n", line_text(result, n).c_str());
    return;
  }
  Json errors = Json::object();
  for (const Curve& curve : result.curves) errors[curve.name] = curve.mean.back();
  const Json line = {{"schema", "icl.train"}, {"version", 1}, {"n", n}, {"errors", errors}};
  std::printf("%s\n", line.dump(2).c_str());
}

// Exports the trained language model and says how often its last answers were wrong.
void finish_language_run(const LanguageModel& model, const RunConfig& config,
                         const std::filesystem::path& run, const std::optional<StepReport>& last,
                         bool as_json) {
  const std::filesystem::path folder = run / "hf";
  export_trained_language_model(model, folder);
  const std::vector<double> errors = last ? last->errors : std::vector<double>();
  if (as_json) {
    const Json line = {
        {"schema", "icl.train"},
        {"version", 1},
        {"n", static_cast<int64_t>(errors.size()) - 1},
        {"errors", {{config.model.family, errors.empty() ? Json() : Json(errors.back())}}},
        {"exported", folder.string()}};
    std::printf("%s\n", line.dump(2).c_str());
    return;
  }
  if (!errors.empty()) {
    std::printf("wrong answers in the last batch: %.3f without a demonstration, %.3f after %zu\n",
                errors.front(), errors.back(), errors.size() - 1);
  }
  std::printf("exported to %s; try: icl-nlp eval --model %s --tasks %s --shots 0,1,2,4,8\n",
              folder.c_str(), folder.c_str(), join(language_training_tasks(), ",").c_str());
}

}  // namespace

void add_train_options(CLI::App& app, TrainOptions& options) {
  app.add_option("--config", options.config, "config file (JSON with // comments)");
  app.add_option("--out", options.out, "run folder; default: runs/<name of the config>");
  app.add_flag("--resume", options.resume, "continue the run in --out after its last checkpoint");
  app.add_flag(
      "--dry-run", options.dry_run,
      "build the model, run a few steps, print parameters, memory and time; write nothing");
  app.add_flag("--print-config", options.print_config, "print the effective config and stop");
  app.add_flag("--describe", options.describe, "print the table of all config keys and stop");
}

int train(const TrainOptions& options, const CommonOptions& common) {
  if (options.describe) {
    RunConfig defaults;
    std::fputs(table_of_fields([&](Fields& f) { defaults.describe(f); }).c_str(), stdout);
    return 0;
  }
  const RunConfig config = effective_config(options, common);
  if (options.print_config) {
    std::fputs(run_config_text(config).c_str(), stdout);
    return 0;
  }
  keep_freed_memory();
  const c10::Device device = prepare_device(config.device, config.threads);
  check_side_evaluation(config);
  if (options.dry_run) return dry_run(config, device, common.json);

  const std::filesystem::path run = options.out.empty()
                                        ? std::filesystem::path("runs") / config.name
                                        : std::filesystem::path(options.out);
  RunWriter writer(run, config, options.resume);
  Trainer trainer(config, device);
  if (writer.resuming() && !checkpoint_steps(run).empty()) {
    warn_of_other_threads(run);
    trainer.resume_from(find_checkpoint(run));
    log_info(str("resuming '", run.string(), "' after step ", trainer.next_step()));
  }
  const int64_t parameters = trainer.objective().parameter_count();
  log_info(str(config.name, ": ", config.model.family, " with ", with_commas(parameters),
               " parameters on ", device.str(), ", into '", run.string(), "'"));
  writer.begin(trainer.next_step() - 1, facts_of(config, trainer, device, parameters));

  Events events(config, run);
  Progress progress("step", config.training.steps, common.show_progress());
  std::string details;
  std::optional<StepReport> last;
  TrainingHooks hooks;
  hooks.stop_signal = pending_signal;
  hooks.on_step = [&](int64_t done, const std::optional<StepReport>& report) {
    if (report) {
      details = details_of(*report);
      last = report;
      events.step(*report);
    }
    progress.update(done, details);
  };
  hooks.evaluate = [&](RegressionModel& model) {
    auto errors = evaluate_on_the_side(model, config);
    events.evaluation(errors, trainer.next_step() - 1);
    return errors;
  };
  try {
    const TrainingOutcome outcome = trainer.run(writer, hooks);
    progress.finish();
    writer.end(outcome.steps_done,
               outcome.signal == 0 ? "finished" : str("stopped by signal ", outcome.signal));
    if (outcome.signal != 0) {
      log_info(str("stopped after step ", outcome.steps_done,
                   " and saved; continue with: icl-train --out ", run.string(), " --resume"));
    }
    if (outcome.signal != 0) return 128 + outcome.signal;
    if (LanguageModel* language = trainer.objective().language()) {
      finish_language_run(*language, config, run, last, common.json);
    } else {
      print_final_errors(trainer.model(), config, common.json);
    }
    return 0;
  } catch (const std::exception& error) {
    progress.finish();
    writer.end(trainer.next_step(), reason_of(error));
    throw;
  }
}

}  // namespace icl
