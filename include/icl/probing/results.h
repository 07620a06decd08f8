// SPDX-License-Identifier: Apache-2.0
//
// What a probe found, layer by layer, and the files it is kept in.
//
//   write_probe(run_folder / "probe", result);   // probe/readout_00002000.json and .csv
//
// probe/<kind>_<checkpoint step, 8 digits>.json:
//   "schema": "icl.probe", "version": 1
//   "kind": "readout" | "linear"
//   "run": {"name", "path", "family", "parameters", "seed", "checkpoint_step",
//   "checkpoint_checksum"} "task": the task's config        "setting": "standard"       "seed": of
//   the prompts "normaliser": {"name": "d", "value": 20}      what errors are divided by; {"name":
//   "none",
//                                                 "value": 1} if raw errors were asked for
//   "layers": [0 .. n_layer - 1]                  residual stream after that block
//   "depths": [0 .. 1]                            the same, relative
// of a read-out probe:
//   "n_context", "n_queries", "n_prompts", "fit_points"
//   "curves":     [{"name": "fitted" | "raw", "kind": "model", "mean", "std", "low", "high"}]
//                 error by layer, with and without the fitted scale and shift
//   "fits":       [{"name": "scale" | "shift", "mean", "std", "low", "high"}]    by layer
//   "references": [{"name": "gd", "kind": "baseline", "steps": [0, 1, ...], "mean", "std", "low",
//                   "high"}]         error by iteration; "steps" of "ridge" are its penalties;
//                                    "gd++" has "gamma" as well
//   "matches":    [{"reference": "gd", "curve": "fitted" | "raw", "step", "low", "high",
//                   "distance"}]     by layer: the step whose predictions are nearest, with an
//                                    interval, and their mean squared difference (normalised)
// of a linear probe:
//   "n_points", "n_train", "n_validation", "n_test"
//   "targets":    [{"name": "y", "tokens": "x" | "y" | "both", "r2", "low", "high", "control",
//                   "control_low", "control_high", "penalty"}]    by layer
// "std" is over prompts; "low" and "high" bound a 95% bootstrap interval.
// The CSV has the columns group,name,layer,value,low,high ("layer" counts steps for a reference).
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "icl/config/task_config.h"

namespace icl {

// Values by layer (or by step of a reference).
struct Profile {
  std::string name;
  std::vector<double> mean, std, low, high;
};

struct ReferenceProfile {
  Profile error;
  std::vector<double> steps;
  double gamma = 0;  // of gd++
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

// Which model and prompts a result is about.
struct ProbeOrigin {
  std::string name, path, family, checksum;
  int64_t parameters = 0, seed = 0, step = 0;
  int64_t n_layer = 0;
  TaskConfig task;
  std::string normaliser_name = "none";
  double normaliser = 1;
  int64_t prompt_seed = 0;
};

// Every layer at its relative depth, 0 .. 1, so that models of different depth share an axis. A
// single layer is the last.
std::vector<double> relative_depths(int64_t n_layer);

nlohmann::ordered_json to_json(const ProbeOrigin& origin, const ReadoutResult& result);
nlohmann::ordered_json to_json(const ProbeOrigin& origin, const LinearResult& result);

// Writes <kind>_<step>.json and .csv into `folder`; returns the path of the JSON.
std::filesystem::path write_probe(const std::filesystem::path& folder,
                                  const nlohmann::ordered_json& result);

}  // namespace icl
