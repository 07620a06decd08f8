// SPDX-License-Identifier: Apache-2.0
//
// What a probe found, layer by layer, and the files it is kept in.
//
//   const icl::ProbeResult result = icl::ProbeResult::read("runs/a/probe/readout_00002000.json");
//   if (const icl::ReadoutResult* readout = result.readout()) use(readout->curves[0].mean);
//
// probe/<kind>_<checkpoint step, 8 digits>.json, an example (schema "icl.probe", version 1):
// clang-format off
//   {"schema": "icl.probe", "version": 1,
//    "kind": "readout",                            or "linear"
//    "run": {"name", "path", "family", "parameters", "seed", "checkpoint_step", "checkpoint_checksum"},
//    "provenance": {"icl_version", "git", "torch", "device", "threads"},
//    "task": {"function": "linear_regression", ...},   the task's config
//    "setting": "training_distribution",           the prompts are distributed as in training
//    "inputs": {"distribution": "skewed", ...},    the distribution that the prompts had
//    "seed": 0,                                    of the prompts
//    "normaliser": {"name": "d", "value": 20},     what errors are divided by; {"name": "none", "value": 1}: nothing
//    "layers": [0, 1, ...],                        residual stream after that block
//    "depths": [0.0, ..., 1.0],                    the same, relative
//  of a read-out probe:
//    "n_context": 40, "n_queries": 30, "n_prompts": 64, "fit_points": 10,
//    "curves":     [{"name": "fitted",             error by layer, with ("fitted") and without ("raw") the fitted
//                    "mean": [...], "std": [...], "low": [...], "high": [...], "kind": "model"}],   scale and shift
//    "fits":       [{"name": "scale", ...}],       scale and shift by layer, the same lists
//    "references": [{"name": "gd", "steps": [0, 1, ...], "mean": [...], ..., "kind": "baseline"}],   error by step;
//                  "steps" of "ridge" are its penalties; "gd++" has "gamma", and "gamma_at_edge" of its grid
//    "matches":    [{"reference": "gd", "curve": "fitted", "step": [...], "low": [...], "high": [...],
//                    "distance": [...]}]}          by layer: the step whose predictions are nearest, with an
//                                                  interval, and their mean squared difference (normalised)
//  of a linear probe:
//    "n_points": 40, "n_train": 4096, "n_validation": 1024, "n_test": 1024,
//    "targets":    [{"name": "y", "tokens": "x",   or "y", "both"; lists by layer
//                    "r2": [...], "low": [...], "high": [...], "control": [...], "control_low": [...],
//                    "control_high": [...], "penalty": [...]}]}
// clang-format on
// "std" is over prompts; "low" and "high" bound a 95% bootstrap interval; null stands for a number
// that is not finite. The CSV has the columns group,name,layer,value,low,high ("layer" counts steps
// for a reference).
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <variant>
#include <vector>

#include "icl/runs/provenance.h"
#include "icl/tasks/task_config.h"

namespace icl {

// Values by layer (or by step of a reference); NaN where they are not finite.
struct Profile {
  std::string name;
  std::vector<double> mean, std, low, high;
};

struct ReferenceProfile {
  Profile error;
  std::vector<double> steps;
  double gamma = 0;            // of gd++
  bool gamma_at_edge = false;  // the best gamma is at the end of the grid that was searched
};

// By layer: the step of a reference that the layer's predictions are nearest to.
struct Match {
  std::string reference;
  std::string curve;
  std::vector<double> step, low, high, distance;
};

struct ReadoutResult {
  int64_t n_context = 0, n_queries = 0, n_prompts = 0, fit_points = 0;
  std::vector<Profile> curves, fits;
  std::vector<ReferenceProfile> references;
  std::vector<Match> matches;
};

// R^2 of one target read linearly from some tokens, by layer.
struct LinearTarget {
  std::string name, tokens;
  std::vector<double> r2, low, high, control, control_low, control_high, penalty;
};

struct LinearResult {
  int64_t n_points = 0, n_train = 0, n_validation = 0, n_test = 0;
  std::vector<LinearTarget> targets;
};

struct ProbeResult {
  Provenance from;
  nlohmann::ordered_json task;    // the config of the task
  nlohmann::ordered_json inputs;  // the distribution that the prompts had
  std::string setting = "training_distribution";
  uint64_t seed = 0;  // of the prompts
  Normaliser normaliser = {"none", 1};
  int64_t n_layer = 0;
  std::variant<ReadoutResult, LinearResult> found;

  const ReadoutResult* readout() const { return std::get_if<ReadoutResult>(&found); }
  const LinearResult* linear() const { return std::get_if<LinearResult>(&found); }
  const char* kind() const { return readout() != nullptr ? "readout" : "linear"; }
  // Takes task and inputs from the config that the prompts were drawn from.
  void describe_task(const TaskConfig& config);

  nlohmann::ordered_json to_json() const;
  std::string csv() const;
  // `name` says in messages where the JSON is from. Throws DataError that names the key.
  static ProbeResult from_json(const nlohmann::ordered_json& json, const std::string& name);
  static ProbeResult read(const std::filesystem::path& file);
};

// Every layer at its relative depth, 0 .. 1, so that models of different depth share an axis. A
// single layer is the last.
std::vector<double> relative_depths(int64_t n_layer);

// Writes <kind>_<step><what differs from the default>.json and .csv into `folder`; `differs` is
// such as
// "_seed3". A note says which result is replaced. Returns the path of the JSON.
std::filesystem::path write_probe(const std::filesystem::path& folder, const ProbeResult& result,
                                  const std::string& differs = "");

}  // namespace icl
