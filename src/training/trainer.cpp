// SPDX-License-Identifier: Apache-2.0
#include "icl/training/trainer.h"

#include <ATen/ATen.h>

#include <chrono>
#include <cmath>

#include "icl/base/error.h"
#include "icl/base/log.h"
#include "icl/base/random.h"
#include "icl/base/text.h"
#include "icl/io/files.h"
#include "icl/runs/loaded_run.h"

namespace icl {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point from) {
  return std::chrono::duration<double>(Clock::now() - from).count();
}

double unix_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// Leaves a side evaluation when a signal asks to stop.
struct StopEvaluation {};

double rate_at(const RunConfig& config, int64_t step) {
  return learning_rate(config.training.schedule, config.training.optimizer.lr, step,
                       config.training.steps);
}

}  // namespace

Trainer::Trainer(RunConfig config, std::unique_ptr<Objective> objective, c10::Device device)
    : config_(std::move(config)),
      device_(device),
      objective_(std::move(objective)),
      optimizer_(objective_->module(), config_.training.optimizer),
      non_finite_(at::zeros({}, at::TensorOptions().device(device))) {}

void Trainer::resume_from(const Checkpoint& checkpoint) {
  const TrainingState state = TrainingState::read(checkpoint);
  if (state.imported) {
    throw DataError(str("'", checkpoint.path.string(), "': imported weights, without the state of ",
                        "their optimizer: training cannot go on from them; their config trains a ",
                        "new run with --config and another --out, --init-from starts from them"));
  }
  copy_tensors(SafetensorsFile(checkpoint.weights()), checkpoint.weights().string(),
               objective_->module());
  optimizer_.load_state(SafetensorsFile(checkpoint.optimizer()));
  next_step_ = state.step;
  best_ = state.best;
  evaluation_missing_ = state.evaluation_missing;
}

std::optional<StepReport> Trainer::step(int64_t index, bool report) {
  const TrainingConfig& training = config_.training;
  // Dropout draws from the default generator: seeded by the step, a replayed step is the same.
  at::manual_seed(
      RandomStream(static_cast<uint64_t>(config_.seed), "dropout").at_step(index).key());

  optimizer_.zero_grad();
  const StepLoss batch = objective_->loss(objective_->draw(index));
  const at::Tensor& loss = batch.loss;
  loss.backward();
  const at::Tensor grad_norm = optimizer_.gradient_norm();
  {
    const at::NoGradGuard no_grad;
    const at::Tensor bad = at::isfinite(loss).logical_and(at::isfinite(grad_norm)).logical_not();
    non_finite_ = at::maximum(non_finite_, bad.to(at::kFloat));
    if (training.grad_clip > 0) {
      optimizer_.scale_gradients(at::clamp_max(training.grad_clip / (grad_norm + 1e-6), 1.0));
    }
  }
  const double lr = rate_at(config_, index);
  optimizer_.step(lr, non_finite_);
  // On a GPU this would wait for the device at every step; there the report and save() ask instead.
  if (report || device_.is_cpu()) check_finite(index);
  if (!report) return std::nullopt;

  const at::NoGradGuard no_grad;
  BatchFigures figures = batch.figures();
  return StepReport{.step = index,
                    .loss = loss.item<double>(),
                    .relative_loss = loss.item<double>() / figures.zero_loss,
                    .errors = std::move(figures.errors),
                    .zero_error = figures.zero_error,
                    .grad_norm = grad_norm.item<double>(),
                    .lr = lr,
                    .n_points = figures.n_points,
                    .n_dims = figures.n_dims};
}

void Trainer::check_finite(int64_t index) const {
  if (non_finite_.item<float>() == 0) return;
  const std::string culprit = optimizer_.first_non_finite();
  throw DivergedError(str("training diverged at step ", index, ": ",
                          culprit.empty() ? "the loss" : culprit,
                          " is not finite; good checkpoints are kept (a lower "
                          "training.optimizer.lr or training.grad_clip may help)"));
}

void Trainer::save(RunWriter& writer) const {
  writer.checkpoint({.step = next_step_, .best = best_, .evaluation_missing = evaluation_missing_},
                    safetensors_bytes(tensors_of(objective_->module())),
                    safetensors_bytes(optimizer_.state()));
}

bool Trainer::evaluation_is_due() const {
  const int64_t every = config_.evaluation.every;
  return every > 0 && (next_step_ % every == 0 || next_step_ == config_.training.steps);
}

bool Trainer::evaluate(RunWriter& writer, const TrainingHooks& hooks) {
  SettingErrors errors;
  objective_->module().eval();
  try {
    evaluation_missing_ = true;
    errors = objective_->evaluate([&] {
      if (hooks.stop_signal() != 0) throw StopEvaluation{};
    });
    evaluation_missing_ = false;
  } catch (const StopEvaluation&) {
  }
  objective_->module().train();
  if (evaluation_missing_ || errors.empty()) return false;
  for (const auto& [setting, curve] : errors) {
    if (events_ && !curve.empty()) {
      events_->scalar("evaluation/" + setting + "/last_point", curve.back(), next_step_ - 1,
                      unix_time());
    }
  }
  writer.metrics(to_json(SideReport{.step = next_step_ - 1, .errors = errors}));
  const std::vector<double>& curve = errors.front().second;
  double mean = 0;
  for (const double error : curve) mean += error / static_cast<double>(curve.size());
  if (!std::isfinite(mean) || (best_ && mean >= best_->error)) return false;
  best_ = BestStep{next_step_, mean};
  return true;
}

void Trainer::write_report(RunWriter& writer, const StepReport& report) {
  writer.metrics(to_json(report));
  if (!events_) return;
  const std::pair<const char*, double> scalars[] = {
      {"train/loss", report.loss},
      {"train/relative_loss", report.relative_loss},
      {"train/last_point_error", report.errors.empty() ? 0 : report.errors.back()},
      {"train/grad_norm", report.grad_norm},
      {"train/lr", report.lr},
      {"train/prompts_per_s", report.prompts_per_s},
      {"curriculum/n_points", static_cast<double>(report.n_points)},
      {"curriculum/n_dims", static_cast<double>(report.n_dims)},
  };
  for (const auto& [tag, value] : scalars) events_->scalar(tag, value, report.step, unix_time());
}

TrainingOutcome Trainer::run(RunWriter& writer, const TrainingHooks& hooks) {
  const TrainingConfig& training = config_.training;
  if (training.tensorboard) events_.emplace(writer.folder().path(), next_step_, unix_time());
  const Clock::time_point start = Clock::now();
  Clock::time_point last_report = start, last_save = start;
  int64_t steps_since_report = 0;
  const auto minutes_passed = [](double minutes, Clock::time_point since) {
    return minutes > 0 && seconds_since(since) >= 60 * minutes;
  };
  // Saves where that is due; returns whether the run stops here.
  const auto save_and_stop = [&](bool best, TrainingOutcome& outcome) {
    outcome = {.steps_done = next_step_, .signal = hooks.stop_signal()};
    const bool last = next_step_ == training.steps;
    outcome.out_of_time = !last && minutes_passed(training.stop_after_minutes, start);
    if (next_step_ % training.checkpoint_every == 0 || last || best || !outcome.finished() ||
        minutes_passed(training.checkpoint_minutes, last_save)) {
      check_finite(next_step_ - 1);
      save(writer);
      last_save = Clock::now();
    }
    return !outcome.finished();
  };

  TrainingOutcome outcome{.steps_done = next_step_};
  if (evaluation_missing_ && save_and_stop(evaluate(writer, hooks), outcome)) return outcome;
  while (next_step_ < training.steps) {
    const int64_t index = next_step_;
    const bool last = index + 1 == training.steps;
    std::optional<StepReport> report = step(index, index % training.log_every == 0 || last);
    ++next_step_;
    ++steps_since_report;
    if (report) {
      report->seconds = seconds_since(start);
      report->prompts_per_s = static_cast<double>(steps_since_report * training.batch_size) /
                              std::max(1e-9, seconds_since(last_report));
      last_report = Clock::now();
      steps_since_report = 0;
      write_report(writer, *report);
    }
    if (hooks.on_step) hooks.on_step(next_step_, report);
    // Before the checkpoint, so that one resumed from it knows of this evaluation.
    const bool best = evaluation_is_due() && evaluate(writer, hooks);
    if (save_and_stop(best, outcome)) return outcome;
  }
  outcome = {.steps_done = next_step_};
  return outcome;
}

std::vector<std::string> training_warnings(const RunConfig& config,
                                           const std::optional<RunConfig>& earlier,
                                           int64_t next_step) {
  std::vector<std::string> warnings;
  const TrainingConfig& training = config.training;
  const auto unfinished = [&](const char* name, const RampConfig& ramp) {
    const int64_t full = ramp.first_step_of_end();
    if (full < training.steps) return;
    warnings.push_back(str("the curriculum of ", name, " does not finish: it reaches ", ramp.end,
                           " at step ", full, ", and training.steps is ", training.steps,
                           ", where it is at ", ramp.at(training.steps - 1)));
  };
  unfinished("points", training.curriculum.points);
  if (config.objective_kind() == ObjectiveKind::kRegression) {
    unfinished("dims", training.curriculum.dims);
  }
  if (earlier && next_step > 0 && next_step < training.steps) {
    const double before = rate_at(*earlier, std::min(next_step, earlier->training.steps));
    const double now = rate_at(config, next_step);
    if (std::abs(now - before) > 1e-6 * training.optimizer.lr) {
      warnings.push_back(str("with training.steps ", earlier->training.steps, " -> ",
                             training.steps, " the learning rate jumps from ", shortest(before),
                             " to ", shortest(now), " at step ", next_step,
                             "; --set training.schedule.steps=", earlier->training.steps,
                             " keeps the schedule that the run had"));
    }
  }
  return warnings;
}

}  // namespace icl
