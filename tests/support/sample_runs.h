// SPDX-License-Identifier: Apache-2.0
//
// Run folders with plausible numbers, the same each time: what training, evaluation and probing
// leave behind, written through the types that own these files, without training anything.
//
//   write_sample_run(folder / "mamba", {.name = "mamba", .family = "mamba", .seed = 1});
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "icl/evaluation/results.h"
#include "icl/models/family.h"
#include "icl/probing/results.h"
#include "icl/runs/run_config.h"
#include "icl/runs/run_folder.h"
#include "icl/runs/run_metrics.h"
#include "icl/runs/run_record.h"

namespace icl::test {

struct SampleRun {
  std::string name = "linear_regression_mamba";
  std::string family = "mamba";
  int64_t seed = 1;
  Function function = LinearRegression{};
  int64_t n_dims = 20;
  int64_t train_points = 41;
  int64_t eval_points = 41;
  double skill = 1.0;  // larger: lower errors
  int64_t steps = 4000;
  int64_t d_model = 64;
  bool probes = false;
};

// Numbers in [0, 1) without a library, equal on every machine.
class SampleNoise {
 public:
  explicit SampleNoise(uint64_t seed) : state_(seed * 2654435761U + 12345) {}
  double next() {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<double>(state_ >> 40) / static_cast<double>(1ULL << 24);
  }

 private:
  uint64_t state_;
};

inline void write_text(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

inline RunConfig sample_config(const SampleRun& run) {
  RunConfig config{.name = run.name, .seed = run.seed, .device = "cpu", .threads = 2};
  config.model.family = families().make(run.family);
  config.model.d_model = run.d_model;
  config.model.n_layer = 4;
  config.task.function = run.function;
  config.task.n_dims = run.n_dims;
  config.training.steps = run.steps;
  config.training.curriculum.dims = {.start = run.n_dims, .end = run.n_dims};
  config.training.curriculum.points = {.start = run.train_points, .end = run.train_points};
  return config;
}

inline Provenance sample_provenance(const SampleRun& run) {
  return {.icl_version = "0.1.0",
          .git = "0123456789abcdef",
          .device = "cpu",
          .threads = 2,
          .name = run.name,
          .path = "runs/" + run.name,
          .family = run.family,
          .parameters = 10518273,
          .seed = run.seed,
          .checkpoint_step = run.steps};
}

// With a spread of 1.4 and an interval of 6 % either way.
inline Curve sample_curve(const std::string& name, bool is_model, const std::vector<double>& mean) {
  Curve curve{.name = name, .is_model = is_model, .mean = mean};
  for (const double value : mean) {
    curve.std.push_back(value * 1.4);
    curve.low.push_back(value * 0.94);
    curve.high.push_back(value * 1.06);
  }
  return curve;
}

inline std::vector<double> sample_errors(const SampleRun& run) {
  SampleNoise noise(static_cast<uint64_t>(run.seed) * 131 + run.family.size());
  std::vector<double> mean;
  const auto dims = static_cast<double>(run.n_dims);
  for (int64_t n = 0; n < run.eval_points; ++n) {
    const auto count = static_cast<double>(n);
    const double bump =
        0.35 * std::exp(-std::pow((count - dims) / (0.25 * dims), 2)) / (4 * run.skill);
    const double value = std::max(0.0, 1 - count / dims) + 0.004 / run.skill + bump;
    mean.push_back(value * (0.97 + 0.06 * noise.next()));
  }
  return mean;
}

inline EvalResult sample_evaluation(const SampleRun& run, const std::string& setting = "standard") {
  std::vector<double> zero, least_squares;
  for (int64_t n = 0; n < run.eval_points; ++n) {
    zero.push_back(1);
    const double part = static_cast<double>(n) / static_cast<double>(run.n_dims);
    least_squares.push_back(n < run.n_dims ? 1 - part : 1e-13);
  }
  return {.from = sample_provenance(run),
          .task = run_config_json(sample_config(run)).at("task"),
          .setting = setting,
          .description = "a sample",
          .n_points = run.eval_points,
          .n_prompts = 1280,
          .train_points = run.train_points,
          .train_dims = run.n_dims,
          .metric = "squared error",
          .normaliser = {"d", static_cast<double>(run.n_dims)},
          .curves = {sample_curve(run.family, true, sample_errors(run)),
                     sample_curve("zero", false, zero),
                     sample_curve("least_squares", false, least_squares)}};
}

inline void write_result(const std::filesystem::path& run, const EvalResult& result,
                         const std::string& name = "") {
  const std::string file = (name.empty() ? result.setting : name) + ".json";
  write_text(RunFolder(run).evaluations() / file, result.to_json().dump(1));
}

inline std::string sample_metrics(const SampleRun& run) {
  SampleNoise noise(static_cast<uint64_t>(run.seed) + 7 * run.family.size());
  std::string text;
  for (int64_t step = 0; step < run.steps; step += 100) {
    const double part = static_cast<double>(step) / static_cast<double>(run.steps);
    const double loss = (0.03 / run.skill + std::exp(-5 * part)) * (0.8 + 0.4 * noise.next());
    text += to_json(StepReport{.step = step,
                               .loss = loss * 20,
                               .relative_loss = loss,
                               .errors = {20.0, 10.0, 20 * loss},
                               .zero_error = 20,
                               .grad_norm = 0.3 + noise.next() + loss,
                               .lr = 1e-4,
                               .n_points = run.train_points,
                               .n_dims = run.n_dims,
                               .prompts_per_s = 900,
                               .seconds = 0.05 * static_cast<double>(step)})
                .dump() +
            "\n";
    if (step % 1000 != 900) continue;
    text +=
        to_json(SideReport{.step = step + 99, .errors = {{"standard", {1.0, 0.6, loss}}}}).dump() +
        "\n";
  }
  return text;
}

inline Profile sample_profile(const std::string& name, const std::vector<double>& mean) {
  Profile profile{.name = name, .mean = mean, .std = mean, .low = mean, .high = mean};
  for (double& low : profile.low) low *= 0.94;
  for (double& high : profile.high) high *= 1.06;
  return profile;
}

inline ProbeResult sample_probe(const SampleRun& run) {
  ProbeResult probe{.from = sample_provenance(run), .normaliser = {"d", 20}, .n_layer = 4};
  probe.describe_task(sample_config(run).task);
  return probe;
}

inline ProbeResult sample_readout(const SampleRun& run, const std::vector<double>& error) {
  ProbeResult probe = sample_probe(run);
  probe.n_layer = static_cast<int64_t>(error.size());
  const std::vector<double> zeros(error.size(), 0), ones(error.size(), 1);
  ReadoutResult found{.n_context = 40, .n_queries = 30, .n_prompts = 64, .fit_points = 10};
  found.curves = {sample_profile("fitted", error)};
  found.fits = {sample_profile("scale", ones), sample_profile("shift", zeros)};
  found.references = {
      {.error = sample_profile("gd", {1, 0.5, 0.25, 0.125, 0.1}), .steps = {0, 1, 2, 3, 4}}};
  found.matches = {{.reference = "gd",
                    .curve = "fitted",
                    .step = ones,
                    .low = zeros,
                    .high = ones,
                    .distance = zeros}};
  probe.found = found;
  return probe;
}

inline ProbeResult sample_linear(const SampleRun& run) {
  ProbeResult probe = sample_probe(run);
  const std::vector<double> r2 = {0.1, 0.4, 0.8, 0.9}, control = {0.01, 0.02, 0.01, 0.01};
  LinearResult found{.n_points = 40, .n_train = 4096, .n_validation = 1024, .n_test = 1024};
  for (const char* name : {"y", "weights"}) {
    for (const char* tokens : {"x", "y", "both"}) {
      found.targets.push_back({name, tokens, r2, r2, r2, control, control, control, r2});
    }
  }
  probe.found = found;
  return probe;
}

inline void write_sample_run(const std::filesystem::path& path, const SampleRun& run) {
  const RunFolder folder(path);
  write_text(folder.config(), run_config_text(sample_config(run)));
  const RunRecord record{.from = sample_provenance(run),
                         .starts = {{"2024-01-01T00:00:00Z", 0, "host"}},
                         .stops = {{"2024-01-01T00:03:20Z", run.steps, "finished"}}};
  write_text(folder.record(), record.to_json().dump(2));
  write_text(folder.metrics(), sample_metrics(run));
  write_result(path, sample_evaluation(run));
  if (!run.probes) return;
  write_probe(folder.probes(), sample_readout(run, {0.9, 0.4, 0.1, 0.02}));
  write_probe(folder.probes(), sample_linear(run));
}

}  // namespace icl::test
