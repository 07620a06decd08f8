// SPDX-License-Identifier: Apache-2.0
#include "icl/tasks/task_sampler.h"

#include <ATen/ATen.h>

#include <cmath>
#include <unordered_set>

#include "icl/base/error.h"

namespace icl {
namespace {

// `count` of 0 .. size-1: each as often as all of them fit, and the rest without repeats (Floyd's
// algorithm, so that a step costs the same however large the pool is). The published code draws
// from its pools without repeats, too.
std::vector<int64_t> choose(const RandomStream& stream, int64_t count, int64_t size) {
  std::vector<int64_t> chosen;
  for (; count >= size; count -= size) {
    for (int64_t i = 0; i < size; ++i) chosen.push_back(i);
  }
  constexpr int64_t kHalf = int64_t{1} << 31;
  const at::Tensor words = stream.integers({count, 2}, kHalf);
  const int64_t* word = words.data_ptr<int64_t>();
  std::unordered_set<int64_t> taken;
  for (int64_t last = size - count; last < size; ++last, word += 2) {
    const int64_t drawn = (word[0] * kHalf + word[1]) % (last + 1);
    chosen.push_back(taken.insert(drawn).second ? drawn : last);
    taken.insert(chosen.back());
  }
  return chosen;
}

bool has_noise(const TaskConfig& config) {
  return config.function == "noisy_linear_regression";
}

}  // namespace

Functions::Functions(const TaskConfig& config, const RandomStream& stream, int64_t batch_size,
                     int64_t n_dims)
    : Functions(config, task_info(config.function).draw(config, stream, batch_size, n_dims),
                stream.child("noise")) {}

Functions::Functions(const TaskConfig& config, FunctionParameters parameters,
                     const RandomStream& noise)
    : config_(config), parameters_(std::move(parameters)), noise_(noise) {}

at::Tensor Functions::values(const at::Tensor& xs_BKD) const {
  return task_info(config_.function).evaluate(config_, parameters_, xs_BKD);
}

at::Tensor Functions::observe(const at::Tensor& xs_BKD) const {
  return renormalised(config_, with_noise(xs_BKD));
}

at::Tensor Functions::with_noise(const at::Tensor& xs_BKD) const {
  const at::Tensor ys_BK = values(xs_BKD);
  if (!has_noise(config_)) return ys_BK;
  return ys_BK + noise_.normal(ys_BK.sizes()) * config_.noise_std;
}

at::Tensor renormalised(const TaskConfig& config, const at::Tensor& ys_BK) {
  // One value has no spread.
  if (!has_noise(config) || !config.renormalize_ys || ys_BK.numel() < 2) return ys_BK;
  return ys_BK * (std::sqrt(static_cast<double>(config.n_dims)) / ys_BK.std());
}

RandomStream rotation_of_run(uint64_t train_seed) {
  return RandomStream(train_seed, "train").child("fixed");
}

TaskSampler::TaskSampler(TaskConfig config, uint64_t seed, std::string stream,
                         std::optional<uint64_t> train_seed)
    : config_(std::move(config)),
      stream_(seed, stream),
      rotation_(train_seed ? rotation_of_run(*train_seed) : stream_.child("fixed")) {
  if (config_.num_tasks > 0) {
    pool_ = task_info(config_.function)
                .draw(config_, stream_.child("pool of tasks"), config_.num_tasks, config_.n_dims);
  }
}

FunctionParameters TaskSampler::sample_parameters(const SampleRequest& request,
                                                  const RandomStream& stream) const {
  if (pool_.empty()) {
    return task_info(config_.function).draw(config_, stream, request.batch_size, request.n_dims);
  }
  const at::Tensor chosen =
      at::tensor(choose(stream.child("choice"), request.batch_size, config_.num_tasks));
  FunctionParameters parameters;
  for (const at::Tensor& tensor : pool_) parameters.push_back(tensor.index_select(0, chosen));
  return parameters;
}

// Each example of the pool is a prompt of its own stream, cut to the curriculum's size.
Batch TaskSampler::sample_from_examples(const SampleRequest& request) const {
  const RandomStream step = stream_.at_step(request.step);
  const std::vector<int64_t> chosen =
      choose(step.child("choice"), request.batch_size, config_.num_training_examples);
  const RandomStream pool = stream_.child("pool of examples");
  std::vector<at::Tensor> xs;
  std::vector<at::Tensor> ys;
  for (const int64_t example : chosen) {
    const RandomStream own = pool.at_step(example);
    xs.push_back(sample_inputs(config_.inputs, config_.n_dims, own, rotation_, 1, request.n_points,
                               request.n_dims));
    ys.push_back(Functions(config_, own, 1, request.n_dims).with_noise(xs.back()));
  }
  return {at::cat(xs), renormalised(config_, at::cat(ys))};
}

Batch TaskSampler::sample(const SampleRequest& request) const {
  ICL_ASSERT(request.n_dims <= config_.n_dims, request.n_dims, " > ", config_.n_dims);
  if (config_.num_training_examples > 0) return sample_from_examples(request);
  const RandomStream step = stream_.at_step(request.step);
  const at::Tensor xs_BKD = sample_inputs(config_.inputs, config_.n_dims, step, rotation_,
                                          request.batch_size, request.n_points, request.n_dims);
  const Functions functions(config_, sample_parameters(request, step), step.child("noise"));
  return {xs_BKD, functions.observe(xs_BKD)};
}

}  // namespace icl
