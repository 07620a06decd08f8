// SPDX-License-Identifier: Apache-2.0
#include <ATen/ATen.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <functional>

#include "icl/base/error.h"
#include "icl/base/log.h"
#include "icl/base/shape.h"
#include "icl/base/text.h"
#include "icl/cli/eval.h"
#include "icl/cli/progress.h"
#include "icl/cli/signals.h"
#include "icl/evaluation/baselines.h"
#include "icl/evaluation/predict.h"
#include "icl/io/files.h"
#include "icl/io/safetensors.h"
#include "icl/runs/loaded_run.h"
#include "icl/tasks/task_sampler.h"

namespace icl {
namespace {

constexpr int64_t kBatch = 64;

// A float32 tensor of this shape; float64 is converted, with a note.
at::Tensor read_tensor(const SafetensorsFile& file, const std::string& path, const char* name,
                       at::IntArrayRef shape) {
  const at::Tensor stored = file.tensor(name);
  if (stored.scalar_type() != at::kDouble) return file.tensor(name, at::kFloat, shape);
  log_info(str("'", path, "': ", name, " is float64 and is converted to float32"));
  return file.tensor(name, at::kDouble, shape).to(at::kFloat);
}

// xs [P, K, D], ys [P, K] and, if there, queries [P, K, D].
Prompts read_prompts(const std::string& path) {
  const SafetensorsFile file(path);
  Prompts prompts;
  prompts.xs_BKD = read_tensor(file, path, "xs", {-1, -1, -1});
  const int64_t n_prompts = prompts.xs_BKD.size(0);
  const int64_t n_points = prompts.xs_BKD.size(1);
  if (prompts.xs_BKD.numel() == 0) {
    throw DataError(str("'", path, "': xs ", describe_shape(prompts.xs_BKD.sizes()),
                        " holds no numbers; expected at least one prompt of one point"));
  }
  prompts.ys_BK = read_tensor(file, path, "ys", {n_prompts, n_points});
  if (file.contains("queries")) {
    prompts.queries_BKD = read_tensor(file, path, "queries", prompts.xs_BKD.sizes());
  }
  const std::pair<const char*, const at::Tensor*> tensors[] = {
      {"xs", &prompts.xs_BKD}, {"ys", &prompts.ys_BK}, {"queries", &prompts.queries_BKD}};
  for (const auto& [name, tensor] : tensors) {
    if (!tensor->defined()) continue;
    const at::Tensor finite = at::isfinite(*tensor).flatten(1).all(1);
    if (finite.all().item<bool>()) continue;
    throw DataError(str("'", path, "': ", name, " of prompt ",
                        at::argmin(finite.to(at::kInt)).item<int64_t>(),
                        " holds a number that is not finite"));
  }
  return prompts;
}

// A baseline's predictions, 64 prompts at a time; `report` gets the number of prompts that are
// done.
at::Tensor predict_baseline(const Baseline& baseline, const Prompts& prompts,
                            BaselineOptions options,
                            const std::function<void(double done)>& report) {
  at::Tensor predictions = at::empty_like(prompts.ys_BK);
  const int64_t n_prompts = prompts.ys_BK.size(0);
  for (int64_t first = 0; first < n_prompts; first += kBatch) {
    const int64_t count = std::min(kBatch, n_prompts - first);
    const auto part = [&](const at::Tensor& whole) {
      return whole.defined() ? whole.narrow(0, first, count) : whole;
    };
    options.progress = [&](double share) {
      report(static_cast<double>(first) + share * static_cast<double>(count));
    };
    options.progress(0);
    predictions.narrow(0, first, count)
        .copy_(baseline.predict(
            {part(prompts.xs_BKD), part(prompts.ys_BK), part(prompts.queries_BKD)}, options));
  }
  return predictions;
}

}  // namespace

void add_predict_options(CLI::App& app, PredictOptions& options) {
  app.add_option("--run", options.run, "run folder; may be left out with --baselines");
  app.add_option("--checkpoint", options.checkpoint, "latest, best or a step");
  app.add_option("--prompts", options.prompts,
                 "safetensors file: xs float32 [P, K, D], ys float32 [P, K]; optional queries "
                 "[P, K, D], predicted instead of the xs")
      ->required();
  app.add_option("--out", options.out,
                 "safetensors file: predictions [P, K], predictions.NAME [P, K]")
      ->required();
  app.add_option(
         "--baselines", options.baselines,
         "comma-separated: all, " + join(baselines().names()) + ", gd_<steps>, newton_<iterations>")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--ridge-penalty", options.ridge_penalty,
                 "penalty of ridge; default: noise variance / weight variance of the run's task, "
                 "1 where that is not known or 0");
}

int run_predict(const PredictOptions& options, const CommonOptions& common) {
  std::vector<std::string> names = options.baselines;
  std::erase(names, "none");
  if (options.run.empty() && names.empty()) {
    throw UsageError("nothing to predict with: give --run RUN, --baselines NAMES or both");
  }
  if (options.ridge_penalty &&
      !(*options.ridge_penalty >= 0 && std::isfinite(*options.ridge_penalty))) {
    throw UsageError(str("--ridge-penalty ", *options.ridge_penalty, ": expected >= 0"));
  }
  const std::vector<Baseline> chosen = select_baselines(names);
  check_writable(options.out);
  const c10::Device device = prepare_device(common);
  const Prompts prompts = read_prompts(options.prompts);
  const int64_t n_prompts = prompts.ys_BK.size(0);

  BaselineOptions how;
  how.ridge_penalty = options.ridge_penalty.value_or(1);
  how.seed = static_cast<uint64_t>(common.seed.value_or(0));
  const auto parts = static_cast<int64_t>(chosen.size()) + (options.run.empty() ? 0 : 1);
  Progress progress("prompt", parts * n_prompts, common.show_progress());
  int64_t done = 0;  // prompts of the parts before
  const auto report = [&](const std::string& name, double prompts_done) {
    stop_if_asked();
    progress.update(done + std::lround(prompts_done), name);
  };
  NamedTensors outputs;
  if (!options.run.empty()) {
    const LoadedRun run = load_run(options.run, options.checkpoint, device);
    const int64_t n_dims = run.config.task.n_dims;
    if (prompts.xs_BKD.size(2) != n_dims) {
      throw DataError(str("'", options.prompts, "': xs ", describe_shape(prompts.xs_BKD.sizes()),
                          " has ", prompts.xs_BKD.size(2), " dimensions, the model of '",
                          options.run, "' takes ", n_dims));
    }
    if (!options.ridge_penalty) how.ridge_penalty = bayes_ridge_penalty(run.config.task.traits());
    outputs.emplace_back("predictions", predict(*run.model, prompts, [&](double share) {
                           report(run.config.model.family.name(),
                                  share * static_cast<double>(n_prompts));
                         }));
    done += n_prompts;
  }
  for (const Baseline& baseline : chosen) {
    outputs.emplace_back("predictions." + baseline.name,
                         predict_baseline(baseline, prompts, how, [&](double prompts_done) {
                           report(baseline.name, prompts_done);
                         }));
    done += n_prompts;
  }
  stop_if_asked();
  progress.finish();
  write_safetensors(options.out, outputs);
  log_info(
      str("wrote predictions for ", with_commas(n_prompts), " prompts to '", options.out, "'"));
  return 0;
}

void add_sample_options(CLI::App& app, SampleOptions& options) {
  app.add_option("--config", options.config, "config file whose task is sampled")->required();
  app.add_option("--points", options.points, "points of a prompt; default: as in training");
  app.add_option("--prompts", options.prompts, "number of prompts")->capture_default_str();
  app.add_option("--out", options.out, "safetensors file: xs [P, K, D], ys [P, K]")->required();
}

int run_sample(const SampleOptions& options, const CommonOptions& common) {
  const RunConfig config = load_run_config(options.config, common.set);
  if (config.objective_kind() != ObjectiveKind::kRegression) {
    throw UsageError(str("'", options.config,
                         "': objective is tokens, whose sequences are no prompts of "
                         "(x, y) pairs"));
  }
  const int64_t n_points =
      options.points != 0 ? options.points : config.training.curriculum.points.end;
  if (n_points < 1 || n_points > 100'000) {
    throw UsageError(str("--points ", n_points, ": expected 1 .. 100000"));
  }
  if (options.prompts < 1 || options.prompts > 10'000'000) {
    throw UsageError(str("--prompts ", options.prompts, ": expected 1 .. 10000000"));
  }
  check_writable(options.out);
  prepare_device("cpu", common.threads.value_or(0));
  const int64_t n_dims = config.task.n_dims;
  const TaskSampler sampler(config.task, static_cast<uint64_t>(common.seed.value_or(0)),
                            "evaluation", static_cast<uint64_t>(config.seed));
  at::Tensor xs_PKD = at::empty({options.prompts, n_points, n_dims});
  at::Tensor ys_PK = at::empty({options.prompts, n_points});
  for (int64_t first = 0; first < options.prompts; first += kBatch) {
    const int64_t count = std::min(kBatch, options.prompts - first);
    const Batch batch = sampler.sample(
        {.step = first / kBatch, .batch_size = kBatch, .n_points = n_points, .n_dims = n_dims});
    xs_PKD.narrow(0, first, count).copy_(batch.xs_BKD.narrow(0, 0, count));
    ys_PK.narrow(0, first, count).copy_(batch.ys_BK.narrow(0, 0, count));
    stop_if_asked();
  }
  write_safetensors(options.out, {{"xs", xs_PKD}, {"ys", ys_PK}});
  log_info(str("wrote ", with_commas(options.prompts), " prompts of ", n_points, " points to '",
               options.out, "'"));
  return 0;
}

}  // namespace icl
