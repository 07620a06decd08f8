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

}  // namespace

at::Tensor sample_inputs(const InputConfig& config, const InputRequest& request) {
  at::Tensor xs_BKD = config.distribution->draw(request);
  if (config.scale != 1) xs_BKD = xs_BKD * config.scale;
  if (config.bias != 0) xs_BKD = xs_BKD + config.bias;
  return config.distribution->arrange(xs_BKD, request.stream);
}

at::Tensor sample_inputs(const InputConfig& config, int64_t n_dims, const RandomStream& stream,
                         const RandomStream& run_rotation, int64_t batch_size, int64_t n_points,
                         int64_t used_dims) {
  const bool once = config.distribution->rotates_once();
  at::Tensor xs_BKD = sample_inputs(config, {.batch_size = batch_size,
                                             .n_points = n_points,
                                             .n_dims = n_dims,
                                             .stream = stream,
                                             .rotation = once ? run_rotation : stream});
  if (used_dims < n_dims) xs_BKD.slice(2, used_dims).zero_();
  return xs_BKD;
}

Functions::Functions(const TaskConfig& task, const RandomStream& stream, int64_t batch_size,
                     int64_t used_dims)
    : Functions(task,
                task.function->draw(
                    {.count = batch_size, .n_dims = task.n_dims, .used_dims = used_dims}, stream),
                stream.child("noise")) {}

Functions::Functions(const TaskConfig& task, FunctionParameters parameters,
                     const RandomStream& noise)
    : task_(task), parameters_(std::move(parameters)), noise_(noise) {}

at::Tensor Functions::values(const at::Tensor& xs_BKD) const {
  return task_.function->evaluate(parameters_, xs_BKD);
}

at::Tensor Functions::observe(const at::Tensor& xs_BKD) const {
  return renormalised(task_, with_noise(xs_BKD));
}

at::Tensor Functions::with_noise(const at::Tensor& xs_BKD) const {
  const at::Tensor ys_BK = values(xs_BKD);
  const double std = task_.traits().noise_std;
  if (std == 0) return ys_BK;
  return ys_BK + noise_.normal(ys_BK.sizes()) * std;
}

at::Tensor renormalised(const TaskConfig& task, const at::Tensor& ys_BK) {
  // One value has no spread.
  if (!task.traits().renormalize_ys || ys_BK.numel() < 2) return ys_BK;
  return ys_BK * (std::sqrt(static_cast<double>(task.n_dims)) / ys_BK.std());
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
    pool_ = config_.function->draw(
        {.count = config_.num_tasks, .n_dims = config_.n_dims, .used_dims = config_.n_dims},
        stream_.child("pool of tasks"));
  }
}

FunctionParameters TaskSampler::sample_parameters(const SampleRequest& request,
                                                  const RandomStream& stream) const {
  if (pool_.empty()) {
    return config_.function->draw(
        {.count = request.batch_size, .n_dims = config_.n_dims, .used_dims = request.n_dims},
        stream);
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
  if (request.n_dims > config_.n_dims || request.n_dims < 1 || request.batch_size < 1) {
    throw UsageError(str("sample: n_dims ", request.n_dims, " and batch_size ", request.batch_size,
                         ", expected 1 .. ", config_.n_dims, " and at least 1"));
  }
  if (config_.num_training_examples > 0) return sample_from_examples(request);
  const RandomStream step = stream_.at_step(request.step);
  const at::Tensor xs_BKD = sample_inputs(config_.inputs, config_.n_dims, step, rotation_,
                                          request.batch_size, request.n_points, request.n_dims);
  const Functions functions(config_, sample_parameters(request, step), step.child("noise"));
  return {xs_BKD, functions.observe(xs_BKD)};
}

}  // namespace icl
