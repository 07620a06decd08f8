// SPDX-License-Identifier: Apache-2.0
//
// Prompts of (x, y) pairs, each prompt from a function of its own.
//
//   TaskSampler sampler(config.task, /*seed=*/1);
//   Batch batch = sampler.sample({.step = 0, .batch_size = 64, .n_points = 41, .n_dims = 20});
//   // batch.xs [64, 41, 20], batch.ys [64, 41]
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>

#include "icl/base/random.h"
#include "icl/tasks/task_config.h"

namespace icl {

// B prompts of K points in D dimensions.
struct Batch {
  at::Tensor xs_BKD;  // float32
  at::Tensor ys_BK;   // float32
};

// Inputs [batch_size, n_points, n_dims], coordinates from `used_dims` on zero. A rotation that is
// kept for the whole run comes from `run_rotation`, one of the batch from `stream`.
at::Tensor sample_inputs(const InputConfig& config, int64_t n_dims, const RandomStream& stream,
                         const RandomStream& run_rotation, int64_t batch_size, int64_t n_points,
                         int64_t used_dims);
// The same with a request of the caller's own, all dimensions in use.
at::Tensor sample_inputs(const InputConfig& config, const InputRequest& request);

// Where the training run of this seed draws the rotation that it keeps ("rotation": "fixed").
RandomStream rotation_of_run(uint64_t train_seed);

// B functions of the class `task.function`, one for each prompt.
class Functions {
 public:
  // Only the first `used_dims` coordinates play a part in sparse functions.
  Functions(const TaskConfig& task, const RandomStream& stream, int64_t batch_size,
            int64_t used_dims);
  Functions(const TaskConfig& task, FunctionParameters parameters, const RandomStream& noise);

  // Values at [B, K, D], without noise: [B, K].
  at::Tensor values(const at::Tensor& xs_BKD) const;
  // The values that a prompt shows: with the noise of the class and, if configured, renormalised
  // over the batch. Noise depends on prompt and point, not on x.
  at::Tensor observe(const at::Tensor& xs_BKD) const;
  // The same, not yet renormalised.
  at::Tensor with_noise(const at::Tensor& xs_BKD) const;

  const FunctionParameters& parameters() const { return parameters_; }

 private:
  TaskConfig task_;
  FunctionParameters parameters_;
  RandomStream noise_;
};

// The ys of a batch, scaled to the standard deviation sqrt(D) if so configured (Grazzi et al. 2024,
// `renormalize_ys`).
at::Tensor renormalised(const TaskConfig& task, const at::Tensor& ys_BK);

struct SampleRequest {
  int64_t step = 0;
  int64_t batch_size = 64;
  int64_t n_points = 41;
  int64_t n_dims = 20;  // first dimensions that are in use; the others are zero
};

// The training (or evaluation) stream of a task. Sampling a step twice gives the same bits.
class TaskSampler {
 public:
  // `stream` separates uses of one seed, e.g. "train" and "evaluation". A fixed rotation is that of
  // the training run of `train_seed`; without one, of this stream's own.
  TaskSampler(TaskConfig config, uint64_t seed, std::string stream = "train",
              std::optional<uint64_t> train_seed = {});

  Batch sample(const SampleRequest& request) const;
  const TaskConfig& config() const { return config_; }

 private:
  FunctionParameters sample_parameters(const SampleRequest& request,
                                       const RandomStream& stream) const;
  Batch sample_from_examples(const SampleRequest& request) const;

  TaskConfig config_;
  RandomStream stream_;
  RandomStream rotation_;    // of inputs with a fixed one
  FunctionParameters pool_;  // of num_tasks functions
};

}  // namespace icl
