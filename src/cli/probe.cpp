// SPDX-License-Identifier: Apache-2.0
#include "icl/cli/probe.h"

#include <ATen/core/Tensor.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>

#include "icl/base/error.h"
#include "icl/base/log.h"
#include "icl/cli/progress.h"
#include "icl/cli/signals.h"
#include "icl/models/run_folder.h"
#include "icl/probing/linear_probe.h"
#include "icl/probing/readout_probe.h"
#include "icl/probing/references.h"
#include "icl/tasks/registry.h"

namespace icl {
namespace {

using Json = nlohmann::ordered_json;

// The paper's context, cut to what the model saw in training.
int64_t context_of(const ProbeOptions& options, const RunConfig& config) {
  if (options.context > 0) return options.context;
  return std::clamp<int64_t>(config.training.curriculum.points.end - 1, 1, 40);
}

std::vector<std::string> references_of(const ProbeOptions& options, const TaskConfig& task) {
  if (options.references == std::vector<std::string>{"none"}) return {};
  if (options.references != std::vector<std::string>{"auto"}) return options.references;
  return is_linear_task(task) ? reference_names() : std::vector<std::string>{};
}

std::vector<std::string> checkpoints_of(const ProbeOptions& options, const std::string& run) {
  if (options.checkpoints != std::vector<std::string>{"all"}) return options.checkpoints;
  std::vector<std::string> steps;
  for (const int64_t step : checkpoint_steps(run)) steps.push_back(std::to_string(step));
  if (steps.empty()) return {"latest"};  // says what is missing
  return steps;
}

// Of each run its folder of results. Several runs share --out with a folder each, as the names of
// the files tell the step alone.
std::vector<std::filesystem::path> folders_of(const ProbeOptions& options) {
  std::vector<std::filesystem::path> folders;
  for (const std::string& run : options.runs) {
    if (options.out.empty()) {
      folders.push_back(std::filesystem::path(run) / "probe");
    } else if (options.runs.size() == 1) {
      folders.emplace_back(options.out);
    } else {
      const auto whole = (std::filesystem::absolute(run) / "").lexically_normal();
      folders.push_back(std::filesystem::path(options.out) / whole.parent_path().filename());
      if (std::count(folders.begin(), folders.end(), folders.back()) > 1) {
        throw UsageError(str("--out: the results of two runs would both go to '",
                             folders.back().string(),
                             "'; expected runs of different names, or one a call"));
      }
    }
  }
  return folders;
}

ProbeOrigin origin_of(const LoadedRun& run, const ProbeOptions& options, uint64_t seed) {
  const TaskConfig& task = run.config.task;
  ProbeOrigin origin{.name = run.config.name,
                     .path = run.path.string(),
                     .family = run.config.model.family,
                     .checksum = run.checkpoint.checksum,
                     .parameters = run.model->parameter_count(),
                     .seed = run.config.seed,
                     .step = run.checkpoint.step,
                     .n_layer = run.model->backbone().n_layer(),
                     .task = task};
  origin.prompt_seed = static_cast<int64_t>(seed);
  if (options.normaliser == "auto") {
    const Normaliser normaliser = task_info(task.function).normaliser(task);
    origin.normaliser_name = normaliser.name;
    origin.normaliser = normaliser.value;
  }
  return origin;
}

using Share = std::function<void(double)>;  // told how much of the work is done

Json probe_readout_of(const LoadedRun& run, const ProbeOptions& options, const ProbeOrigin& origin,
                      c10::Device device, const Share& progress) {
  const TaskConfig& task = run.config.task;
  ReadoutOptions readout;
  readout.counts = {.prompts = options.prompts,
                    .context = context_of(options, run.config),
                    .queries = options.queries};
  readout.fit_points = std::min(options.fit_points, readout.counts.context);
  readout.references = references_of(options, task);
  readout.iterations = options.iterations;
  readout.normaliser = origin.normaliser;
  readout.seed = static_cast<uint64_t>(origin.prompt_seed);
  readout.device = device;
  readout.progress = progress;
  RegressionProbe model(*run.model);
  return to_json(origin, probe_readout(model, task, run.config.seed, readout));
}

Json probe_linear_of(const LoadedRun& run, const ProbeOptions& options, const ProbeOrigin& origin,
                     c10::Device device, const Share& progress) {
  LinearOptions linear;
  linear.n_points = context_of(options, run.config);
  linear.n_train = options.train_prompts;
  linear.n_validation = std::max<int64_t>(1, options.train_prompts / 4);
  linear.n_test = options.test_prompts;
  linear.targets = options.targets;
  linear.seed = static_cast<uint64_t>(origin.prompt_seed);
  linear.device = device;
  linear.progress = progress;
  RegressionProbe model(*run.model);
  return to_json(origin, probe_linear(model, run.config.task, run.config.seed, linear));
}

void print_header(const Json& result) {
  const Json& run = result["run"];
  std::printf("%s probe of %s (%s), step %lld\n", result["kind"].get<std::string>().c_str(),
              run["name"].get<std::string>().c_str(), run["family"].get<std::string>().c_str(),
              static_cast<long long>(run["checkpoint_step"].get<int64_t>()));
}

void print_readout(const Json& result) {
  print_header(result);
  std::printf("error / %s, and the nearest step of each reference\n%5s %10s %10s %8s %8s",
              result["normaliser"]["name"].get<std::string>().c_str(), "layer", "fitted", "raw",
              "scale", "shift");
  const auto shown = [](const Json& match) { return match["curve"] == "fitted"; };
  for (const Json& match : result["matches"]) {
    if (shown(match)) std::printf(" %16s", match["reference"].get<std::string>().c_str());
  }
  std::printf("\n");
  for (size_t layer = 0; layer < result["layers"].size(); ++layer) {
    std::printf("%5zu", layer);
    for (const Json& curve : result["curves"]) {
      std::printf(" %10.4g", curve["mean"][layer].get<double>());
    }
    for (const Json& fit : result["fits"]) {
      std::printf(" %8.3g", fit["mean"][layer].get<double>());
    }
    for (const Json& match : result["matches"]) {
      if (!shown(match)) continue;
      std::printf(" %5.3g [%.3g, %.3g]", match["step"][layer].get<double>(),
                  match["low"][layer].get<double>(), match["high"][layer].get<double>());
    }
    std::printf("\n");
  }
}

void print_linear(const Json& result) {
  print_header(result);
  std::printf("R^2 by layer (control with shuffled targets below)\n");
  for (const Json& target : result["targets"]) {
    std::printf("%-22s %-5s", target["name"].get<std::string>().c_str(),
                target["tokens"].get<std::string>().c_str());
    for (const Json& value : target["r2"]) std::printf(" %6.3f", value.get<double>());
    std::printf("\n%-22s %-5s", "", "");
    for (const Json& value : target["control"]) std::printf(" %6.3f", value.get<double>());
    std::printf("\n");
  }
}

}  // namespace

void add_probe_options(CLI::App& app, ProbeOptions& options) {
  app.add_option("--run", options.runs, "run folders")->required();
  app.add_option("--kind", options.kind,
                 "what to fit: the model's own read-out, linear probes, both")
      ->check(CLI::IsMember({"readout", "linear", "both"}))
      ->capture_default_str();
  app.add_option("--checkpoint", options.checkpoints, "latest, best, steps, or all")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--references", options.references,
                 "gd, gd++, newton, ridge; auto: all of them for linear tasks; or none")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--targets", options.targets,
                 "of linear probes: y, ridge_prediction, least_squares_weights, moment, gd_<n>")
      ->delimiter(',');
  app.add_option("--normaliser", options.normaliser,
                 "divide errors by the task's normaliser (auto), or by nothing (none)")
      ->check(CLI::IsMember({"auto", "none"}))
      ->capture_default_str();
  app.add_option("--out", options.out,
                 "folder of the results, of several runs with a folder of each one's name in it; "
                 "default: probe/ in the run folder");
  const CLI::Range positive(int64_t{1}, int64_t{1} << 24);
  app.add_option("--context", options.context,
                 "points of a prompt; default: 40, or the longest of training if that is less")
      ->check(positive);
  app.add_option("--prompts", options.prompts, "prompts of the read-out probe")
      ->check(positive)
      ->capture_default_str();
  app.add_option("--queries", options.queries, "queries of each prompt of the read-out probe")
      ->check(positive)
      ->capture_default_str();
  app.add_option("--fit-points", options.fit_points,
                 "last points that scale and shift are fitted on")
      ->check(positive)
      ->capture_default_str();
  app.add_option("--iterations", options.iterations, "iterations of each reference")
      ->check(positive)
      ->capture_default_str();
  app.add_option("--train-prompts", options.train_prompts,
                 "prompts that linear probes are trained on; a quarter more validate")
      ->check(positive)
      ->capture_default_str();
  app.add_option("--test-prompts", options.test_prompts, "prompts that linear probes are tested on")
      ->check(positive)
      ->capture_default_str();
}

int probe(const ProbeOptions& options, const CommonOptions& common) {
  const c10::Device device = prepare_device(common);
  Json results = Json::array();
  const std::vector<std::filesystem::path> folders = folders_of(options);
  for (size_t i = 0; i < options.runs.size(); ++i) {
    const std::string& path = options.runs[i];
    for (const std::string& checkpoint : checkpoints_of(options, path)) {
      const LoadedRun run = load_run(path, checkpoint, device);
      const ProbeOrigin origin = origin_of(run, options, common.seed ? *common.seed : 0);
      for (const char* kind : {"readout", "linear"}) {
        if (options.kind != kind && options.kind != "both") continue;
        const bool readout = std::string(kind) == "readout";
        constexpr int64_t kParts = 100;
        Progress progress("part", kParts, common.show_progress());
        const Share share = [&](double done) {
          stop_if_asked();
          progress.update(std::lround(done * kParts), str(kind, " of ", path));
        };
        const Json result = readout ? probe_readout_of(run, options, origin, device, share)
                                    : probe_linear_of(run, options, origin, device, share);
        progress.finish();
        log_info("wrote " + write_probe(folders[i], result).string());
        if (!common.json) readout ? print_readout(result) : print_linear(result);
        results.push_back(result);
      }
    }
  }
  if (common.json) std::printf("%s\n", results.dump(2).c_str());
  return 0;
}

}  // namespace icl
