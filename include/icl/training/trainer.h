// SPDX-License-Identifier: Apache-2.0
//
// The training loop: a pure function of the config and the step it starts from, so that a run that
// was killed and resumed ends with the same bytes as one that was not (same device, same threads).
//
//   RunWriter writer("runs/a", config, /*resume=*/false);
//   Trainer trainer(config, c10::kCPU);
//   trainer.resume_from(find_checkpoint("runs/a"));        // when there is one
//   const TrainingOutcome outcome = trainer.run(writer, {.stop_signal = pending_signal});
#pragma once

#include <c10/core/Device.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "icl/config/run_config.h"
#include "icl/models/run_folder.h"
#include "icl/training/objective.h"
#include "icl/training/optimizer.h"
#include "icl/training/run_writer.h"

namespace icl {

// What one optimizer step showed; `step` is its index, from 0.
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

// Errors by point of each setting, in the order of evaluation.suites.
using SettingErrors = std::vector<std::pair<std::string, std::vector<double>>>;

struct TrainingHooks {
  // The signal that asks to stop, or 0.
  std::function<int()> stop_signal = [] { return 0; };
  // After every step; `details` is set at the steps that are logged.
  std::function<void(int64_t steps_done, const std::optional<StepReport>& details)> on_step;
  // For evaluation.every. The first setting's mean decides the best.
  std::function<SettingErrors(RegressionModel&)> evaluate;
};

struct TrainingOutcome {
  int64_t steps_done = 0;
  int signal = 0;  // the signal that stopped it, or 0 when finished
};

class Trainer {
 public:
  // Weights are drawn from the config's seed.
  Trainer(RunConfig config, c10::Device device);

  // Continues after the checkpoint's last step. Throws DataError naming what does not fit.
  void resume_from(const Checkpoint& checkpoint);

  // Trains to config.training.steps. Throws DivergedError at a loss or gradient that is not finite,
  // naming the first bad tensor; the last good checkpoint stays.
  TrainingOutcome run(RunWriter& writer, const TrainingHooks& hooks);

  // One step at the given index; the report is made when asked for (it waits for the device).
  std::optional<StepReport> step(int64_t index, bool report);

  Objective& objective() { return *objective_; }
  RegressionModel& model();  // of a run that trains one
  int64_t next_step() const { return next_step_; }

 private:
  struct Best {
    int64_t step;
    double error;
  };

  void save(RunWriter& writer) const;
  void check_finite(int64_t index) const;
  // Returns whether this is the best model so far.
  bool evaluate(RunWriter& writer, const TrainingHooks& hooks);

  RunConfig config_;
  c10::Device device_;
  std::unique_ptr<Objective> objective_;
  Optimizer optimizer_;
  int64_t next_step_ = 0;
  std::optional<Best> best_;
  at::Tensor non_finite_;  // float32 scalar on the device: 1 once a step was not finite
};

}  // namespace icl
