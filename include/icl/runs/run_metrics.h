// SPDX-License-Identifier: Apache-2.0
//
// metrics.jsonl of a run folder: one JSON object a line, of a logged step or of an evaluation on
// the side.
//
//   const icl::RunMetrics metrics = icl::RunMetrics::read(icl::RunFolder("runs/a").metrics());
//   for (const icl::StepReport& step : metrics.steps) plot(step.step, step.relative_loss);
//
// clang-format off
//   {"step": 0, "loss": 20.1, "relative_loss": 1.0, "errors": [...], "zero_error": 20.1, "grad_norm": 0.4,
//    "lr": 1e-4, "n_points": 11, "n_dims": 5, "prompts_per_s": 900, "seconds": 0.1}
//   {"step": 999, "evaluation": {"standard": [1.0, ...]}}
// clang-format on
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace icl {

// The figures of one optimizer step; `step` is its index, from 0. NaN: not in the line.
struct StepReport {
  int64_t step = 0;
  double loss = 0;             // mean over prompts and points, not normalised (paper's objective)
  double relative_loss = 0;    // loss / the loss of always predicting zero on the same batch
  std::vector<double> errors;  // per point, mean over prompts
  double zero_error = 0;       // of always predicting zero, mean over prompts and points
  double grad_norm = 0;        // before clipping
  double lr = 0;
  int64_t n_points = 0;
  int64_t n_dims = 0;
  double prompts_per_s = 0;
  double seconds = 0;  // since this start
};

nlohmann::ordered_json to_json(const StepReport& report);

// Normalised errors by setting and number of in-context examples, measured after the step of this
// index.
struct SideReport {
  int64_t step = 0;
  std::vector<std::pair<std::string, std::vector<double>>> errors;
};

nlohmann::ordered_json to_json(const SideReport& report);

// All lines of a file.
struct RunMetrics {
  std::vector<StepReport> steps;
  std::vector<SideReport> evaluations;
  int64_t damaged_lines =
      0;  // which are none of these; a last line that a crash cut short is not counted

  int64_t steps_done() const;  // up to the last line
  double seconds() const;      // of training, over all starts

  static RunMetrics of_text(const std::string& text);
  // Throws DataError if the file is missing.
  static RunMetrics read(const std::filesystem::path& file);
};

}  // namespace icl
