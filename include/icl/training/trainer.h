// SPDX-License-Identifier: Apache-2.0
//
// The training loop: a pure function of the config and the step it starts from, so that a run that
// was killed and resumed ends with the same bytes as one that was not (same device, same threads).
// The trainer honours the whole config by itself, side evaluation and TensorBoard included.
//
//   icl::RunWriter writer("runs/a", config, /*resume=*/false);
//   icl::Trainer trainer(config, icl::make_objective(config, c10::kCPU), c10::kCPU);
//   const icl::TrainingOutcome outcome = trainer.run(writer, {});
#pragma once

#include <c10/core/Device.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "icl/runs/run_config.h"
#include "icl/runs/run_folder.h"
#include "icl/runs/run_metrics.h"
#include "icl/runs/run_writer.h"
#include "icl/training/objective.h"
#include "icl/training/optimizer.h"
#include "icl/training/tensorboard.h"

namespace icl {

struct TrainingHooks {
  // The signal that asks to stop, or 0.
  std::function<int()> stop_signal = [] { return 0; };
  // After every step; `details` is set at the steps that are logged.
  std::function<void(int64_t steps_done, const std::optional<StepReport>& details)> on_step = {};
};

struct TrainingOutcome {
  int64_t steps_done = 0;
  int signal = 0;            // the signal that stopped the training, or 0
  bool out_of_time = false;  // training.stop_after_minutes stopped it
  bool finished() const { return signal == 0 && !out_of_time; }
};

class Trainer {
 public:
  Trainer(RunConfig config, std::unique_ptr<Objective> objective, c10::Device device);

  // Continues after the checkpoint's last step. Throws DataError naming what does not fit.
  void resume_from(const Checkpoint& checkpoint);

  // Trains to config.training.steps. Throws DivergedError at a loss or gradient that is not finite,
  // naming the first bad tensor; the last good checkpoint stays.
  TrainingOutcome run(RunWriter& writer, const TrainingHooks& hooks);

  // One step at the given index; the report is made when asked for (that waits for the device).
  std::optional<StepReport> step(int64_t index, bool report);

  Objective& objective() { return *objective_; }
  int64_t next_step() const { return next_step_; }

 private:
  void save(RunWriter& writer) const;
  void check_finite(int64_t index) const;
  bool evaluation_is_due() const;
  // Evaluates on the side; returns whether this is the best model so far.
  bool evaluate(RunWriter& writer, const TrainingHooks& hooks);
  void write_report(RunWriter& writer, const StepReport& report);

  RunConfig config_;
  c10::Device device_;
  std::unique_ptr<Objective> objective_;
  Optimizer optimizer_;
  int64_t next_step_ = 0;
  bool evaluation_missing_ = false;  // of the step before: a stop came first
  std::optional<BestStep> best_;
  std::optional<TensorBoardWriter> events_;
  at::Tensor non_finite_;  // float32 scalar on the device: 1 once a step was not finite
};

// What a person should know before a run starts or goes on: a curriculum that this number of steps
// does not finish, a learning rate that a resumed run with another number of steps jumps to.
std::vector<std::string> training_warnings(const RunConfig& config,
                                           const std::optional<RunConfig>& earlier,
                                           int64_t next_step);

}  // namespace icl
