// SPDX-License-Identifier: Apache-2.0
//
// run.json of a run folder: the program and the machine of its last start, the size of the model,
// and when and why training started and stopped.
//
//   const icl::RunRecord record = icl::RunRecord::read(icl::RunFolder("runs/a").record());
//   std::puts(record.state(config.training.steps).c_str());          // "finished"
//
// clang-format off
//   {"schema": "icl.run", "version": 1,
//    "name": "linear_regression_mamba", "family": "mamba", "parameters": 10518273,
//    "icl_version": "icl 0.1.0 (git 1a2b3c4), ...", "git", "torch", "device", "threads",
//    "starts": [{"time": "2024-01-01T00:00:00Z", "step": 0, "host": "node7"}],
//    "stops":  [{"time": "2024-01-01T00:03:20Z", "step": 4000, "reason": "finished"}]}
// clang-format on
// A start without a stop is a run that goes on, or one that was killed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "icl/runs/provenance.h"

namespace icl {

struct RunStart {
  std::string time;  // UTC
  int64_t step = 0;
  std::string host;
};

struct RunStop {
  std::string time;
  int64_t step = 0;
  std::string reason;  // "finished", "stopped by signal 15", ...
};

struct RunRecord {
  Provenance from;  // the program, and name, family and parameters of the model
  std::vector<RunStart> starts;
  std::vector<RunStop> stops;

  // Steps done at the last stop; 0 without one.
  int64_t steps_done() const { return stops.empty() ? 0 : stops.back().step; }
  // The reason of the last stop, "in progress" if a start has no stop, "unknown" if there is
  // neither. `planned_steps`: training.steps of the config, or 0.
  std::string state(int64_t planned_steps) const;

  nlohmann::ordered_json to_json() const;
  // `name` says in messages where the JSON is from. Throws DataError that names the key.
  static RunRecord from_json(const nlohmann::ordered_json& json, const std::string& name);
  static RunRecord read(const std::filesystem::path& file);
};

}  // namespace icl
