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
#include <memory>
#include <string>

#include "icl/base/random.h"
#include "icl/config/task_config.h"

namespace icl {

// B prompts of K points in D dimensions.
struct Batch {
  at::Tensor xs_BKD;  // float32
  at::Tensor ys_BK;   // float32
};

// B functions, one for each prompt. Values are a pure function of the inputs (and, for noisy
// functions, of the stream that the functions were drawn from).
class Functions {
 public:
  virtual ~Functions() = default;
  // [B, K, D] -> [B, K]
  virtual at::Tensor operator()(const at::Tensor& xs_BKD) const = 0;
};

// Inputs of B prompts: coordinates from n_dims on are zero (the curriculum on dimensions).
at::Tensor sample_inputs(const InputConfig& config, int64_t total_dims, const RandomStream& stream,
                         int64_t batch_size, int64_t n_points, int64_t n_dims);

// B independent functions of the class `config.function`.
std::unique_ptr<Functions> sample_functions(const TaskConfig& config, const RandomStream& stream,
                                            int64_t batch_size, int64_t n_dims);

struct SampleRequest {
  int64_t step = 0;
  int64_t batch_size = 64;
  int64_t n_points = 41;
  int64_t n_dims = 20;  // first dimensions that are in use; the others are zero
};

// The training (or evaluation) stream of a task. Sampling a step twice gives the same bits.
class TaskSampler {
 public:
  // `stream` separates uses of one seed, e.g. "train" and "evaluation".
  TaskSampler(TaskConfig config, uint64_t seed, std::string stream = "train");

  Batch sample(const SampleRequest& request) const;
  const TaskConfig& config() const { return config_; }

 private:
  TaskConfig config_;
  RandomStream stream_;
};

}  // namespace icl
