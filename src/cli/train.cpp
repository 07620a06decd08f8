// SPDX-License-Identifier: Apache-2.0
#include "icl/cli/train.h"

#include <ATen/Parallel.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>

#include "icl/base/error.h"
#include "icl/base/log.h"
#include "icl/base/text.h"
#include "icl/cli/progress.h"
#include "icl/cli/signals.h"
#include "icl/evaluation/side_evaluation.h"
#include "icl/io/files.h"
#include "icl/runs/provenance.h"
#include "icl/training/trainer.h"
#include "src/cli/dry_run.h"

namespace icl {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

// The config file, or the one in the run folder that is resumed; flags win over both.
RunConfig effective_config(const TrainOptions& options, const CommonOptions& common) {
  const fs::path own = RunFolder(options.out).config();
  fs::path path = options.config;
  if (path.empty()) {
    if (!options.resume || options.out.empty()) {
      throw UsageError("--config FILE is required (or --out RUN --resume to continue a run)");
    }
    path = own;
  }
  if (path == own && !fs::exists(own)) {
    throw DataError(str("'", own.string(), "': missing; --out '", options.out, "' holds no run"));
  }
  ConfigTree tree = ConfigTree::from_file(path);
  for (const std::string& assignment : common.set) tree.set(assignment);
  if (common.seed) tree.set(str("seed=", *common.seed), str("--seed ", *common.seed));
  if (common.device) tree.set("device=" + *common.device, "--device " + *common.device);
  if (common.threads)
    tree.set(str("threads=", *common.threads), str("--threads ", *common.threads));
  if (!options.init_from.empty()) {
    tree.set("init_from=" + Json(options.init_from).dump(), "--init-from " + options.init_from);
  }
  return read_run_config(tree, {check_evaluation, check_parameter_groups});
}

std::string number(const char* format, double value) {
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

// The start of a run for its record.
Json facts_of(const RunConfig& config, const Trainer& trainer, c10::Device device,
              int64_t parameters) {
  Json facts = {{"name", config.name}};
  Json program = provenance_of_program(device).program_json();
  program["icl_version"] = version_text();
  facts.update(program);
  facts["family"] = config.model.family.name();
  facts["parameters"] = parameters;
  facts["first_step"] = trainer.next_step();
  if (!config.init_from.empty()) facts["init_from"] = config.init_from;
  return facts;
}

// A run resumed with another number of threads sums in another order: the last bits can differ.
void warn_of_other_threads(const RunFolder& folder) {
  const Json record = Json::parse(read_file(folder.record()), nullptr, /*allow_exceptions=*/false);
  const Json threads = record.is_object() ? record.value("threads", Json()) : Json();
  if (!threads.is_number_integer() || threads.get<int>() == at::get_num_threads()) return;
  log_warning(str("this run had ", threads.get<int>(), " threads so far and continues with ",
                  at::get_num_threads(), ": the result can differ in the last bits"));
}

std::string details_of(const StepReport& report) {
  return str("loss ", number("%.4f", report.loss), "  last point ",
             number("%.4f", report.errors.empty() ? 0 : report.errors.back()), "  lr ",
             number("%.1e", report.lr), "  ", number("%.0f", report.prompts_per_s), " prompts/s");
}

void print_summary(Objective& objective, const RunFolder& folder,
                   const std::vector<double>& last_errors, bool as_json) {
  objective.export_model(folder);
  const TrainingSummary summary = objective.summarise(folder, last_errors);
  std::fputs(as_json ? (summary.json.dump(2) + "\n").c_str() : summary.text.c_str(), stdout);
}

// Resumes from the newest checkpoint where there is one, and says what a person should know.
void prepare(Trainer& trainer, const RunWriter& writer, const RunConfig& config) {
  const RunFolder& folder = writer.folder();
  if (writer.resuming()) {
    trainer.resume_from(folder.find_checkpoint());
    if (fs::exists(folder.record())) warn_of_other_threads(folder);
    log_info(str("resuming '", folder.path().string(), "' after step ", trainer.next_step()));
  }
  for (const std::string& warning :
       training_warnings(config, writer.earlier_config(), trainer.next_step())) {
    log_warning(warning);
  }
}

int run_training(Trainer& trainer, RunWriter& writer, const RunConfig& config,
                 const CommonOptions& common) {
  const std::string run = writer.folder().path().string();
  Progress progress("step", config.training.steps, common.show_progress());
  std::string details;
  std::vector<double> last_errors;
  TrainingHooks hooks;
  hooks.stop_signal = pending_signal;
  hooks.on_step = [&](int64_t done, const std::optional<StepReport>& report) {
    if (report) {
      details = details_of(*report);
      last_errors = report->errors;
    }
    progress.update(done, details);
  };
  try {
    const TrainingOutcome outcome = trainer.run(writer, hooks);
    progress.finish();
    const std::string reason = outcome.signal != 0   ? str("stopped by signal ", outcome.signal)
                               : outcome.out_of_time ? "stopped by training.stop_after_minutes"
                                                     : "finished";
    writer.end(outcome.steps_done, reason);
    if (outcome.finished()) {
      print_summary(trainer.objective(), writer.folder(), last_errors, common.json);
      return 0;
    }
    log_info(str(reason, " after step ", outcome.steps_done,
                 " and saved; continue with: icl-train --out ", run, " --resume"));
    return outcome.signal == 0 ? 0 : 128 + outcome.signal;
  } catch (const std::exception& error) {
    progress.finish();
    writer.end(trainer.next_step(), reason_of(error));
    throw;
  }
}

}  // namespace

void add_train_options(CLI::App& app, TrainOptions& options) {
  app.add_option("--config", options.config, "config file (JSON with // comments)");
  app.add_option("--out", options.out, "run folder; default: runs/<name of the config>");
  app.add_flag("--resume", options.resume, "continue the run in --out after its last checkpoint");
  app.add_option("--init-from", options.init_from,
                 "RUN or RUN:STEP: start from the weights of another run of the same model");
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
  if (options.dry_run) return dry_run(config, device, common.json);

  // The model first: what cannot be built leaves no folder behind.
  Trainer trainer(config, make_objective(config, device), device);
  const fs::path run = options.out.empty() ? fs::path("runs") / config.name : fs::path(options.out);
  RunWriter writer(run, config, options.resume);
  prepare(trainer, writer, config);
  const int64_t parameters = trainer.objective().parameter_count();
  log_info(str(config.name, ": ", config.model.family.name(), " with ", with_commas(parameters),
               " parameters on ", device.str(), ", into '", run.string(), "'"));
  writer.begin(trainer.next_step() - 1, facts_of(config, trainer, device, parameters));
  return run_training(trainer, writer, config, common);
}

int train_main(int argc, char** argv) {
  Program program("icl-train", "Trains a sequence model to learn in context.",
                  "icl-train --config configs/quickstart/mamba.json --out runs/mamba\n"
                  "icl-train --config configs/quickstart/mamba.json --set training.steps=2000\n"
                  "icl-train --config configs/paper/linear_regression/mamba.json --dry-run\n"
                  "icl-train --out runs/mamba --resume\n"
                  "icl-train --config configs/quickstart/mamba.json --init-from runs/mamba --out "
                  "runs/mamba2\n"
                  "icl-train --describe");
  TrainOptions options;
  add_train_options(program.app(), options);
  program.takes_assignments([] { return true; });
  return program.run(argc, argv, [&] { return train(options, program.common()); });
}

}  // namespace icl
