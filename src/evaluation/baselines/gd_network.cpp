// SPDX-License-Identifier: Apache-2.0
#include "src/evaluation/baselines/gd_network.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>

#include "icl/base/random.h"
#include "icl/io/files.h"
#include "icl/models/chunks.h"
#include "src/evaluation/baselines/learners.h"
#include "src/evaluation/baselines/prompts.h"

namespace icl {
namespace {

constexpr int64_t kHidden = 100;
constexpr int64_t kSteps = 100;
constexpr int64_t kMaxPoints = 100;  // of a step's batch
constexpr double kLr = 5e-3;
constexpr int64_t kMaxActivations = int64_t{1} << 17;  // of a prompt, held at a time: a cache full
constexpr int64_t kPromptsOnGpu = 64;                  // that a GPU trains side by side

struct Layers {
  at::Tensor first;   // [N, D + 1, H]: weights and, last, biases
  at::Tensor second;  // [N, H, 1]
  at::Tensor bias;    // [N, 1, 1]
};

Layers views(const at::Tensor& flat, int64_t n_dims, int64_t hidden) {
  const int64_t first = (n_dims + 1) * hidden;
  return {flat.narrow(1, 0, first).unflatten(1, {n_dims + 1, hidden}),
          flat.narrow(1, first, hidden).unsqueeze(2),
          flat.narrow(1, first + hidden, 1).unsqueeze(2)};
}

at::Tensor with_ones(const at::Tensor& xs) {
  return at::cat({xs, at::ones_like(xs.narrow(-1, 0, 1))}, -1);
}

// A number of a prompt's own, from its first point: the same whatever the prompts around it and the
// points after it.
int64_t key_of(const at::Tensor& x_D, const at::Tensor& y) {
  const at::Tensor first =
      at::cat({x_D.flatten(), y.view({1})}).to(at::kCPU, at::kFloat).contiguous();
  const std::string hash =
      checksum({static_cast<const char*>(first.const_data_ptr()), first.nbytes()});
  return std::stoll(hash.substr(0, 15), nullptr, /*base=*/16);
}

// [B, K, parameters]: uniform on +-1 / sqrt(fan-in), as PyTorch initialises nn.Linear. Networks of
// a prompt and a point have their own numbers whatever else is in the call.
at::Tensor initial_parameters(const RandomStream& stream, const BaselineInput& input) {
  const int64_t batch = input.xs_BKD.size(0);
  const int64_t n_points = input.xs_BKD.size(1);
  const int64_t n_dims = input.xs_BKD.size(2);
  const int64_t count = NetworkBatch::parameter_count(n_dims, kHidden);
  at::Tensor parameters = at::empty({batch, n_points, count});
  for (int64_t b = 0; b < batch; ++b) {
    const int64_t key = key_of(input.xs_BKD[b][0], input.ys_BK[b][0]);
    parameters[b].copy_(stream.at_step(key).uniform({n_points, count}));
  }
  parameters.mul_(2).sub_(1);
  const int64_t first = (n_dims + 1) * kHidden;
  parameters.narrow(2, 0, first).div_(std::sqrt(static_cast<double>(n_dims)));
  parameters.narrow(2, first, count - first).div_(std::sqrt(static_cast<double>(kHidden)));
  return parameters;
}

// Points of every step's batch for the networks that see `n_seen` points: all of them, or a fresh
// random 100, the same for every prompt. int64 [steps, min(n_seen, 100)]
at::Tensor step_points(const RandomStream& stream, int64_t n_seen) {
  if (n_seen <= kMaxPoints) return at::arange(n_seen).expand({kSteps, n_seen});
  return stream.at_step(n_seen).permutations(kSteps, n_seen).narrow(1, 0, kMaxPoints).contiguous();
}

// Trains the networks of points begin .. end-1 of every prompt; returns [B, end - begin].
at::Tensor train_points(const BaselineInput& input, const at::Tensor& queries,
                        const RandomStream& batches, const at::Tensor& parameters, int64_t begin,
                        int64_t end) {
  const at::Tensor& xs = input.xs_BKD;
  const int64_t batch = xs.size(0);
  const int64_t n_dims = xs.size(2);
  const int64_t group = end - begin;
  const int64_t width = std::min(end - 1, kMaxPoints);
  // Networks that see fewer points than the widest of the group have the rest at weight 0.
  at::Tensor points = at::zeros({kSteps, group, width}, at::kLong);
  at::Tensor weights = at::zeros({group, width}, xs.options());
  for (int64_t g = 0; g < group; ++g) {
    const at::Tensor chosen = step_points(batches, begin + g);
    points.select(1, g).narrow(1, 0, chosen.size(1)).copy_(chosen);
    weights[g].narrow(0, 0, chosen.size(1)).fill_(1.0 / static_cast<double>(chosen.size(1)));
  }
  points = points.to(xs.device());
  weights = weights.unsqueeze(0).expand({batch, group, width}).reshape({batch * group, width});
  const at::Tensor ones = with_ones(xs);
  const bool resampled = end - 1 > kMaxPoints;
  NetworkBatch networks(parameters.to(xs.options()).flatten(0, 1), n_dims, kHidden);
  at::Tensor inputs;
  at::Tensor targets;
  for (int64_t step = 0; step < kSteps; ++step) {
    if (step == 0 || resampled) {
      const at::Tensor rows = points[step].flatten();
      inputs = ones.index_select(1, rows).view({batch * group, width, n_dims + 1});
      targets = input.ys_BK.index_select(1, rows).view({batch * group, width});
    }
    networks.step(inputs, targets, weights, kLr);
  }
  const at::Tensor at_queries = with_ones(queries.narrow(1, begin, group));
  return networks.predict(at_queries.reshape({batch * group, 1, n_dims + 1})).view({batch, group});
}

}  // namespace

NetworkBatch::NetworkBatch(const at::Tensor& parameters, int64_t n_dims, int64_t hidden)
    : parameters_(parameters.clone()),
      gradient_(at::empty_like(parameters_)),
      first_moment_(at::zeros_like(parameters_)),
      second_moment_(at::zeros_like(parameters_)) {
  const Layers layers = views(parameters_, n_dims, hidden);
  layer1_ = layers.first;
  layer2_ = layers.second;
  bias2_ = layers.bias;
  const Layers gradients = views(gradient_, n_dims, hidden);
  gradient1_ = gradients.first;
  gradient2_ = gradients.second;
  gradient_bias2_ = gradients.bias;
}

void NetworkBatch::step(const at::Tensor& inputs, const at::Tensor& targets,
                        const at::Tensor& weights, double lr) {
  const at::Tensor hidden = at::bmm(inputs, layer1_).relu_();       // [N, n, H]
  const at::Tensor outputs = at::baddbmm(bias2_, hidden, layer2_);  // [N, n, 1]
  const at::Tensor pull = (outputs - targets.unsqueeze(2)).mul_(weights.unsqueeze(2)).mul_(2);
  gradient2_.copy_(at::bmm(hidden.transpose(1, 2), pull));
  gradient_bias2_.copy_(pull.sum(1, /*keepdim=*/true));
  const at::Tensor back = at::bmm(pull, layer2_.transpose(1, 2)).mul_(hidden > 0);
  gradient1_.copy_(at::bmm(inputs.transpose(1, 2), back));

  ++steps_;
  constexpr double kBeta1 = 0.9;
  constexpr double kBeta2 = 0.999;
  constexpr double kEps = 1e-8;
  first_moment_.mul_(kBeta1).add_(gradient_, 1 - kBeta1);
  second_moment_.mul_(kBeta2).addcmul_(gradient_, gradient_, 1 - kBeta2);
  const double correction1 = 1 - std::pow(kBeta1, static_cast<double>(steps_));
  const double correction2 = 1 - std::pow(kBeta2, static_cast<double>(steps_));
  const at::Tensor scale = second_moment_.sqrt().div_(std::sqrt(correction2)).add_(kEps);
  parameters_.addcdiv_(first_moment_, scale, -lr / correction1);
}

at::Tensor NetworkBatch::predict(const at::Tensor& inputs) const {
  return at::baddbmm(bias2_, at::bmm(inputs, layer1_).relu_(), layer2_).squeeze(2);
}

namespace {

// Trains the networks of prompts that run side by side; [P, K]. Groups of points depend on K alone.
at::Tensor train_prompts(const BaselineInput& input, const RandomStream& stream,
                         const std::function<void(int64_t)>& points_done) {
  const int64_t batch = input.xs_BKD.size(0);
  const int64_t n_points = input.xs_BKD.size(1);
  const at::Tensor parameters = initial_parameters(stream.child("parameters"), input);
  at::Tensor predictions = at::zeros({batch, n_points}, input.xs_BKD.options());
  for (int64_t begin = 1; begin < n_points;) {
    int64_t end = begin + 1;
    while (end < n_points &&
           (end + 1 - begin) * std::min(end, kMaxPoints) * kHidden <= kMaxActivations) {
      ++end;
    }
    predictions.narrow(1, begin, end - begin)
        .copy_(train_points(input, input.queries_BKD, stream.child("batches"),
                            parameters.narrow(1, begin, end - begin), begin, end));
    points_done(end - begin);
    begin = end;
  }
  return predictions;
}

}  // namespace

// Garg et al. 2022: for each prompt and point a fresh network D - 100 - 1, 100 steps of Adam at
// 5e-3 on the mean squared error of up to 100 random points. The shapes of all products are the
// same whatever the number of prompts, and on a CPU each prompt is within one thread.
at::Tensor predict_gd_network(const BaselineInput& input, const BaselineOptions& options) {
  check_input(input);
  const BaselineInput all = {
      input.xs_BKD.to(at::kFloat), input.ys_BK.to(at::kFloat),
      (input.queries_BKD.defined() ? input.queries_BKD : input.xs_BKD).to(at::kFloat)};
  const int64_t batch = all.xs_BKD.size(0);
  const int64_t at_once = all.xs_BKD.is_cpu() ? 1 : kPromptsOnGpu;
  const RandomStream stream(options.seed, "gd_network");
  at::Tensor predictions = at::zeros({batch, all.xs_BKD.size(1)}, all.xs_BKD.options());
  WorkCount count(batch * (all.xs_BKD.size(1) - 1), options);
  const auto train = [&](int64_t chunk) {
    const int64_t first = chunk * at_once;
    const int64_t present = std::min(at_once, batch - first);
    const BaselineInput part = {rows_of(all.xs_BKD, first, at_once),
                                rows_of(all.ys_BK, first, at_once),
                                rows_of(all.queries_BKD, first, at_once)};
    const at::Tensor trained =
        train_prompts(part, stream, [&](int64_t points) { count.add(points * present); });
    predictions.narrow(0, first, present).copy_(trained.narrow(0, 0, present));
  };
  const int64_t chunks = (batch + at_once - 1) / at_once;
  if (all.xs_BKD.is_cpu()) {
    in_parallel(chunks, train);
  } else {
    for (int64_t chunk = 0; chunk < chunks; ++chunk) train(chunk);
  }
  return predictions.to(input.xs_BKD.options());
}

}  // namespace icl
