// SPDX-License-Identifier: Apache-2.0
#include "icl/training/trainer.h"

#include <ATen/ATen.h>

#include <chrono>
#include <cmath>

#include "icl/base/error.h"
#include "icl/base/log.h"
#include "icl/base/random.h"
#include "icl/io/files.h"
#include "icl/tasks/curriculum.h"

namespace icl {
namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;

}  // namespace

Json to_json(const StepReport& report) {
  return {{"step", report.step},
          {"loss", report.loss},
          {"relative_loss", report.relative_loss},
          {"errors", report.errors},
          {"zero_error", report.zero_error},
          {"grad_norm", report.grad_norm},
          {"lr", report.lr},
          {"n_points", report.n_points},
          {"n_dims", report.n_dims},
          {"prompts_per_s", report.prompts_per_s},
          {"seconds", report.seconds}};
}

Trainer::Trainer(RunConfig config, c10::Device device)
    : config_(std::move(config)),
      device_(device),
      objective_(make_objective(config_, device)),
      optimizer_(objective_->module(), config_.training.optimizer),
      non_finite_(at::zeros({}, at::TensorOptions().device(device))) {}

void Trainer::resume_from(const Checkpoint& checkpoint) {
  const auto path = checkpoint.path / "state.json";
  const Json state = Json::parse(read_file(path), nullptr, /*allow_exceptions=*/false);
  if (!state.is_object() || !state.contains("step")) {
    throw DataError(str("'", path.string(), "': damaged: no training state"));
  }
  if (state.contains("imported")) {
    throw DataError(str("'", checkpoint.path.string(), "': imported weights, without the state of ",
                        "their optimizer: training cannot go on from them; their config trains a ",
                        "new run with --config and another --out"));
  }
  if (state.value("format", 0) != 1) {
    throw DataError(str("'", path.string(), "': written by a newer version of this program"));
  }
  const auto weights = checkpoint.path / "model.safetensors";
  copy_tensors(SafetensorsFile(weights), weights.string(), objective_->module());
  optimizer_.load_state(SafetensorsFile(checkpoint.path / "optimizer.safetensors"));
  next_step_ = state["step"].get<int64_t>();
  if (state.contains("best")) best_ = Best{state["best"]["step"], state["best"]["error"]};
}

RegressionModel& Trainer::model() {
  ICL_ASSERT(objective_->regression() != nullptr, "this run trains a language model");
  return *objective_->regression();
}

std::optional<StepReport> Trainer::step(int64_t index, bool report) {
  const TrainingConfig& training = config_.training;
  const CurriculumStage stage = curriculum_stage(training.curriculum, index);
  // Dropout draws from the default generator: seeded by the step, a replayed step is the same.
  at::manual_seed(
      RandomStream(static_cast<uint64_t>(config_.seed), "dropout").at_step(index).key());

  optimizer_.zero_grad();
  const StepLoss batch = objective_->loss(index, stage);
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
  const double lr = learning_rate(training.schedule, training.optimizer.lr, index, training.steps);
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
                    .n_points = stage.n_points,
                    .n_dims = stage.n_dims};
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
  Json state = {{"format", 1}, {"step", next_step_}};
  if (best_) state["best"] = {{"step", best_->step}, {"error", best_->error}};
  writer.checkpoint(next_step_,
                    {{"model.safetensors", safetensors_bytes(tensors_of(objective_->module()))},
                     {"optimizer.safetensors", safetensors_bytes(optimizer_.state())},
                     {"state.json", state.dump(2) + "\n"}});
  if (best_ && best_->step == next_step_) writer.mark_best(next_step_);
}

bool Trainer::evaluate(RunWriter& writer, const TrainingHooks& hooks) {
  objective_->module().eval();
  const SettingErrors errors = hooks.evaluate(model());
  objective_->module().train();
  Json by_setting = Json::object();
  for (const auto& [setting, curve] : errors) by_setting[setting] = curve;
  writer.metrics({{"step", next_step_ - 1}, {"evaluation", by_setting}});
  if (errors.empty()) return false;
  const std::vector<double>& curve = errors.front().second;
  double mean = 0;
  for (const double error : curve) mean += error / static_cast<double>(curve.size());
  if (best_ && mean >= best_->error) return false;
  best_ = Best{next_step_, mean};
  return true;
}

TrainingOutcome Trainer::run(RunWriter& writer, const TrainingHooks& hooks) {
  const TrainingConfig& training = config_.training;
  const Clock::time_point start = Clock::now();
  if (best_ && best_->step == next_step_ && next_step_ > 0) writer.mark_best(next_step_);
  const auto seconds_since = [](Clock::time_point from) {
    return std::chrono::duration<double>(Clock::now() - from).count();
  };
  Clock::time_point last_report = start;
  int64_t steps_since_report = 0;
  while (next_step_ < training.steps) {
    const int64_t index = next_step_;
    const bool last = index + 1 == training.steps;
    const bool log = index % training.log_every == 0 || last;
    std::optional<StepReport> report = step(index, log);
    ++next_step_;
    ++steps_since_report;
    if (report) {
      report->seconds = seconds_since(start);
      report->prompts_per_s = static_cast<double>(steps_since_report * training.batch_size) /
                              std::max(1e-9, seconds_since(last_report));
      last_report = Clock::now();
      steps_since_report = 0;
      writer.metrics(to_json(*report));
    }
    if (hooks.on_step) hooks.on_step(next_step_, report);
    // Before the checkpoint, so that one resumed from it knows of this evaluation.
    const bool evaluates = config_.evaluation.every > 0 && hooks.evaluate != nullptr &&
                           (next_step_ % config_.evaluation.every == 0 || last);
    const bool best = evaluates && evaluate(writer, hooks);
    const int signal = hooks.stop_signal();
    if (next_step_ % training.checkpoint_every == 0 || last || best || signal != 0) {
      check_finite(index);
      save(writer);
    }
    if (signal != 0) return {next_step_, signal};
  }
  return {next_step_, 0};
}

}  // namespace icl
