// SPDX-License-Identifier: Apache-2.0
//
// Run folders with plausible numbers, the same each time: what training, evaluation and probing
// leave behind, without any of them.
//
//   write_sample_run(folder / "mamba", {.name = "mamba", .family = "mamba", .seed = 1});
#pragma once

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace icl::test {

struct SampleRun {
  std::string name = "linear_regression_mamba";
  std::string family = "mamba";
  int64_t seed = 1;
  int64_t n_dims = 20;
  int64_t train_points = 41;
  int64_t eval_points = 41;
  double skill = 1.0;  // larger: lower errors
  int64_t steps = 4000;
  bool many_settings = false;
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

using SampleJson = nlohmann::ordered_json;

inline SampleJson sample_curve(const std::string& name, const char* kind,
                               const std::vector<double>& mean) {
  std::vector<double> low, high, std;
  for (const double value : mean) {
    low.push_back(value * 0.94);
    high.push_back(value * 1.06);
    std.push_back(value * 1.4);
  }
  return {{"name", name}, {"kind", kind}, {"mean", mean},
          {"std", std},   {"low", low},   {"high", high}};
}

inline SampleJson sample_config(const SampleRun& run) {
  SampleJson config = {{"name", run.name}, {"seed", run.seed}, {"device", "cpu"}, {"threads", 2}};
  config["model"] = {{"family", run.family}, {"d_model", 256}};
  config["model"]["n_layer"] = run.family == "mamba" ? 24 : 12;
  config["task"] = {{"function", "linear_regression"},
                    {"n_dims", run.n_dims},
                    {"inputs", {{"distribution", "gaussian"}}}};
  config["training"] = {
      {"steps", run.steps}, {"batch_size", 64}, {"optimizer", {{"name", "adam"}, {"lr", 1e-4}}}};
  return config;
}

inline std::vector<double> sample_errors(const SampleRun& run, double scale, double shift,
                                         SampleNoise& noise) {
  std::vector<double> mean;
  const auto dims = static_cast<double>(run.n_dims);
  for (int64_t n = 0; n < run.eval_points; ++n) {
    const auto count = static_cast<double>(n);
    const double floor = 0.004 / run.skill + shift;
    double value = std::max(0.0, 1 - count / dims) + floor +
                   0.35 * std::exp(-std::pow((count - dims) / (0.25 * dims), 2)) / (4 * run.skill);
    const double beyond = std::max(0.0, count - 1.8 * static_cast<double>(run.train_points));
    value += 0.0012 * beyond / run.skill;
    mean.push_back(scale * value * (0.97 + 0.06 * noise.next()));
  }
  return mean;
}

inline SampleJson sample_evaluation(const SampleRun& run, const std::string& setting, double scale,
                                    double shift) {
  SampleNoise noise(static_cast<uint64_t>(run.seed) * 131 + setting.size() + run.family.size());
  std::vector<double> zero, least_squares, nearest, averaging;
  const auto dims = static_cast<double>(run.n_dims);
  for (int64_t n = 0; n < run.eval_points; ++n) {
    const auto count = static_cast<double>(n);
    zero.push_back(scale);
    least_squares.push_back(n < run.n_dims ? scale * (1 - count / dims) : 1e-13);
    nearest.push_back(scale * (n == 0 ? 1.0 : 0.5 + 0.55 * std::exp(-count / 18)));
    averaging.push_back(scale * (n == 0 ? 1.0 : (dims + 1) / count));
  }
  SampleJson result = {{"schema", "icl.eval"}, {"version", 1}};
  result["run"] = {{"name", run.name},     {"path", "runs/" + run.name},
                   {"family", run.family}, {"parameters", 10518273},
                   {"seed", run.seed},     {"checkpoint_step", run.steps}};
  result["task"] = sample_config(run)["task"];
  result["setting"] = setting;
  result["n_points"] = run.eval_points;
  result["n_prompts"] = 1280;
  result["train_points"] = run.train_points;
  result["normaliser"] = {{"name", "d"}, {"value", run.n_dims}};
  result["curves"] = {sample_curve(run.family, "model", sample_errors(run, scale, shift, noise)),
                      sample_curve("zero", "baseline", zero),
                      sample_curve("averaging", "baseline", averaging),
                      sample_curve("nearest_3", "baseline", nearest),
                      sample_curve("least_squares", "baseline", least_squares)};
  return result;
}

inline std::string sample_metrics(const SampleRun& run) {
  SampleNoise noise(static_cast<uint64_t>(run.seed) + 7 * run.family.size());
  std::string text;
  for (int64_t step = 0; step < run.steps; step += 20) {
    const double part = static_cast<double>(step) / static_cast<double>(run.steps);
    const int64_t stage = std::min<int64_t>(15, step / 200);
    const double loss = (0.03 / run.skill + std::exp(-5 * part)) * (0.8 + 0.4 * noise.next());
    const SampleJson line = {{"step", step},
                             {"loss", loss * 20},
                             {"relative_loss", loss},
                             {"errors", {1.0, 0.5, loss}},
                             {"grad_norm", 0.3 + noise.next() + loss},
                             {"lr", 1e-4},
                             {"n_points", 11 + 2 * stage},
                             {"n_dims", 5 + stage},
                             {"prompts_per_s", 900.0},
                             {"seconds", 0.05 * static_cast<double>(step)}};
    text += line.dump() + "\n";
    if (step % 400 != 380) continue;
    const SampleJson side = {{"step", step + 19}, {"evaluation", {{"standard", {1.0, 0.6, loss}}}}};
    text += side.dump() + "\n";
  }
  return text;
}

inline void write_sample_probes(const std::filesystem::path& folder, const SampleRun& run) {
  const int64_t layers = run.family == "mamba" ? 24 : 12;
  std::vector<double> error, scale, shift, descent, y, weights, control;
  std::vector<int64_t> indices;
  for (int64_t i = 0; i < layers; ++i) {
    const double depth = static_cast<double>(i) / static_cast<double>(layers - 1);
    indices.push_back(i);
    error.push_back(std::exp(-4.5 * depth * run.skill) + 0.004);
    descent.push_back(std::exp(-3.0 * depth) + 0.01);
    scale.push_back(0.2 + 0.8 * depth);
    shift.push_back(0.1 * (1 - depth));
    y.push_back(0.98 / (1 + std::exp(-9 * (depth - 0.55))));
    weights.push_back(0.9 / (1 + std::exp(-12 * (depth - 0.4))));
    control.push_back(0.01);
  }
  SampleJson about = {{"name", run.name}, {"family", run.family}, {"seed", run.seed}};
  SampleJson readout = {{"schema", "icl.probe"}, {"version", 1},
                        {"kind", "readout"},     {"run", about},
                        {"setting", "standard"}, {"normaliser", {{"name", "d"}, {"value", 20}}},
                        {"layers", indices}};
  readout["curves"] = {sample_curve("readout", "model", error)};
  readout["fits"] = {sample_curve("scale", "model", scale), sample_curve("shift", "model", shift)};
  readout["references"] = {sample_curve("gd", "baseline", descent)};
  SampleJson linear = {{"schema", "icl.probe"}, {"version", 1},          {"kind", "linear"},
                       {"run", about},          {"setting", "standard"}, {"layers", indices}};
  linear["targets"] = {{{"name", "target y"}, {"r2", y}, {"control", control}},
                       {{"name", "least-squares weights"}, {"r2", weights}, {"control", control}}};
  write_text(folder / "probe" / "readout.json", readout.dump(1));
  write_text(folder / "probe" / "linear.json", linear.dump(1));
}

inline void write_sample_run(const std::filesystem::path& folder, const SampleRun& run) {
  write_text(folder / "config.json", sample_config(run).dump(2));
  SampleJson record = {{"schema", "icl.run"},
                       {"version", 1},
                       {"icl_version", "icl 0.1.0"},
                       {"git", "0123456789abcdef"},
                       {"device", "cpu"},
                       {"threads", 2},
                       {"parameters", run.family == "mamba" ? 10518273 : 9483265},
                       {"family", run.family}};
  record["starts"] = {{{"time", "2024-01-01T00:00:00Z"}, {"step", 0}, {"host", "host"}}};
  record["stops"] = {
      {{"time", "2024-01-01T00:03:20Z"}, {"step", run.steps}, {"reason", "finished"}}};
  write_text(folder / "run.json", record.dump(2));
  write_text(folder / "metrics.jsonl", sample_metrics(run));
  write_text(folder / "eval" / "standard.json", sample_evaluation(run, "standard", 1, 0).dump(1));
  if (run.probes) write_sample_probes(folder, run);
  if (!run.many_settings) return;
  SampleRun longer = run;
  longer.eval_points = 201;
  write_text(folder / "eval" / "extrapolation.json",
             sample_evaluation(longer, "extrapolation", 1, 0).dump(1));
  struct Setting {
    const char* name;
    double scale, shift;
  };
  constexpr Setting kSettings[] = {
      {"random_quadrants", 1, 1.2}, {"orthogonal", 1, 0.9},   {"overlapping", 1, 0},
      {"half_subspace", 1, 0.02},   {"skewed", 1, 0.8},       {"scale_x_1_3", 0.111, 0},
      {"scale_x_1_2", 0.25, 0},     {"scale_x_2", 4, 0.05},   {"scale_x_3", 9, 0.3},
      {"scale_y_1_3", 0.111, 0},    {"scale_y_1_2", 0.25, 0}, {"scale_y_2", 4, 0.02},
      {"scale_y_3", 9, 0.1},        {"noisy", 1.05, 0.1},     {"opposite_quadrants", 1, 1.3}};
  for (const Setting& setting : kSettings) {
    write_text(folder / "eval" / (std::string(setting.name) + ".json"),
               sample_evaluation(longer, setting.name, setting.scale, setting.shift).dump(1));
  }
}

inline SampleJson sample_language_result(const std::string& name, const std::string& family,
                                         int64_t parameters, double skill) {
  SampleJson result = {{"schema", "icl.nlp"}, {"version", 1}, {"seed", 0}};
  result["model"] = {{"name", name}, {"family", family}, {"parameters", parameters}};
  result["results"] = SampleJson::array();
  result["means"] = SampleJson::array();
  const std::vector<std::string> tasks = {"to_upper", "list_first", "antonyms", "country_capital"};
  for (const int64_t shots : {0, 1, 2, 4, 8, 16, 32}) {
    const double rise = skill * (1 - std::exp(-0.5 * static_cast<double>(shots)));
    for (size_t i = 0; i < tasks.size(); ++i) {
      const bool skipped = shots == 32 && i == 0;
      SampleJson entry = {{"task", tasks[i]}, {"category", "algorithmic"}, {"shots", shots}};
      entry["accuracy"] =
          skipped ? SampleJson() : SampleJson(rise * (1 - 0.15 * static_cast<double>(i)));
      entry["stderr"] = 0.02;
      entry["skipped"] = skipped ? SampleJson("too few items") : SampleJson();
      result["results"].push_back(entry);
    }
    result["means"].push_back(
        {{"shots", shots},
         {"fixed_set", {{"accuracy", rise * 0.75}, {"stderr", 0.01}, {"tasks", 3}}},
         {"available", {{"accuracy", rise * 0.8}, {"stderr", 0.01}, {"tasks", 4}}}});
  }
  return result;
}

}  // namespace icl::test
