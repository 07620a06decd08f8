// SPDX-License-Identifier: Apache-2.0
#include "icl/probing/linear_probe.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>

#include "icl/base/bootstrap.h"
#include "icl/base/error.h"
#include "icl/solvers/ridge_path.h"
#include "src/probing/linear_targets.h"
#include "src/probing/numbers.h"

namespace icl {
namespace {

using probing::numbers;

constexpr std::array kTokens = {"x", "y", "both"};
constexpr int64_t kSites = kTokens.size();
constexpr std::array kPenalties = {1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1e0, 1e1, 1e2};
constexpr int64_t kBlocks = 128;  // of test prompts, that intervals resample

// Columns of a target within all of them; the shuffled ones follow at the same places.
struct Span {
  int64_t first, size;
};

struct Examples {
  std::vector<at::Tensor> features_BF;  // by layer: the query's x token, then the last y token
  at::Tensor targets_BS;                // all targets, then all of them shuffled
};

int64_t batches(int64_t prompts, const LinearOptions& options) {
  return (prompts + options.batch - 1) / options.batch;
}

class Source {
 public:
  std::vector<std::string> names;
  std::vector<Span> spans;  // known after the first draw

  Source(ProbedModel& model, const TaskConfig& task, int64_t train_seed,
         const LinearOptions& options)
      : names(probing::target_names(task, options.targets)),
        model_(model),
        task_(task),
        train_seed_(train_seed),
        options_(options),
        total_(batches(options.n_train, options) + batches(options.n_validation, options) +
               batches(options.n_test, options)) {}

  void report() const {
    if (!options_.progress) return;
    options_.progress(static_cast<double>(drawn_) / static_cast<double>(total_));
  }

  Examples draw(const std::string& use, int64_t batch) {
    report();
    ++drawn_;
    const RandomStream stream =
        RandomStream(options_.seed, "linear probe").child(use).at_step(batch);
    const ProbePrompts prompts = sample_probe_prompts(
        task_, train_seed_, {.prompts = options_.batch, .context = options_.n_points, .queries = 1},
        stream);
    const Residuals residuals =
        model_.observe(prompts.xs_BKD.to(options_.device), prompts.ys_BK.to(options_.device),
                       prompts.queries_BQD.to(options_.device));
    Examples examples;
    for (size_t layer = 0; layer < residuals.queries.size(); ++layer) {
      const at::Tensor both = at::cat(
          {residuals.queries[layer].select(1, 0), residuals.context[layer].select(1, -1)}, 1);
      examples.features_BF.push_back(both.to(at::kCPU, at::kDouble));
    }
    std::vector<at::Tensor> targets = probing::target_values(names, prompts);
    if (spans.empty()) {
      int64_t first = 0;
      for (const at::Tensor& target : targets) {
        spans.push_back({first, target.size(1)});
        first += target.size(1);
      }
    }
    // Prompts are independent: a shift among them is a shuffle.
    for (size_t i = 0; i < names.size(); ++i) targets.push_back(targets[i].roll(1, 0));
    examples.targets_BS = at::cat(targets, 1);
    return examples;
  }

 private:
  ProbedModel& model_;
  TaskConfig task_;
  int64_t train_seed_;
  LinearOptions options_;
  int64_t total_, drawn_ = 0;  // batches
};

std::vector<SecondMoments> moments(Source& source, const std::string& use, int64_t count) {
  std::vector<SecondMoments> layers;
  for (int64_t batch = 0; batch < count; ++batch) {
    const Examples examples = source.draw(use, batch);
    if (layers.empty()) {
      for (const at::Tensor& features : examples.features_BF) {
        layers.emplace_back(features.size(1), examples.targets_BS.size(1));
      }
    }
    for (size_t layer = 0; layer < layers.size(); ++layer) {
      layers[layer].add(examples.features_BF[layer], examples.targets_BS);
    }
  }
  return layers;
}

at::Tensor columns_of(int64_t site, int64_t width) {
  const int64_t first = site == 1 ? width : 0;
  return at::arange(first, site == 0 ? width : 2 * width, at::kLong);
}

// The solved probes of one layer: weights of every site side by side, [F + 1, sites * S], and the
// penalty that validation chose for each site and target.
struct Probes {
  at::Tensor weights;
  std::vector<double> penalties;  // [site * targets + target]
};

Probes solve(const SecondMoments& train, const SecondMoments& validation, const Source& source) {
  const int64_t features = train.gram.size(0) - 1;
  const int64_t all = train.cross.size(1);
  Probes probes{.weights = at::zeros({features + 1, kSites * all}, at::kDouble), .penalties = {}};
  for (int64_t site = 0; site < kSites; ++site) {
    source.report();
    const at::Tensor columns = columns_of(site, features / 2);
    const at::Tensor rows = at::cat({columns, at::full({1}, features, at::kLong)});
    const RidgePath path(train, columns);
    std::vector<at::Tensor> weights;
    std::vector<at::Tensor> errors;
    for (const double penalty : kPenalties) {
      weights.push_back(path.weights(penalty));
      errors.push_back(path.error(weights.back(), validation));
    }
    const at::Tensor errors_PS = at::stack(errors);
    for (const bool shuffled : {false, true}) {
      for (const Span& span : source.spans) {
        const int64_t first = span.first + (shuffled ? all / 2 : 0);
        const auto best = errors_PS.narrow(1, first, span.size).sum(1).argmin().item<int64_t>();
        const at::Tensor chosen = weights[static_cast<size_t>(best)].narrow(1, first, span.size);
        probes.weights.narrow(1, site * all + first, span.size).index_copy_(0, rows, chosen);
        if (!shuffled) probes.penalties.push_back(kPenalties[static_cast<size_t>(best)]);
      }
    }
  }
  return probes;
}

// Squared errors of the probes and of the training mean, summed by target column and block.
struct Tally {
  at::Tensor probe;  // [L, sites * S, blocks]
  at::Tensor mean;   // [S, blocks]
};

Tally test(Source& source, const std::vector<Probes>& probes, const at::Tensor& target_mean,
           const InputConfig& inputs, const LinearOptions& options) {
  const int64_t count = batches(options.n_test, options);
  const int64_t prompts = count * options.batch;
  // What is resampled has to be independent.
  const int64_t blocks =
      inputs.distribution->rotates_by_batch() && count > 1 ? count : std::min(kBlocks, prompts);
  const auto layers = static_cast<int64_t>(probes.size());
  const int64_t all = target_mean.size(0);
  Tally tally{at::zeros({layers, kSites * all, blocks}, at::kDouble),
              at::zeros({all, blocks}, at::kDouble)};
  for (int64_t batch = 0; batch < count; ++batch) {
    const Examples examples = source.draw("test", batch);
    const at::Tensor place = at::arange(options.batch, at::kLong) + batch * options.batch;
    const at::Tensor block = at::floor_divide(place * blocks, prompts);
    const at::Tensor from_mean = (examples.targets_BS - target_mean).square();
    tally.mean.index_add_(1, block, from_mean.t());
    const at::Tensor targets = examples.targets_BS.repeat({1, kSites});
    for (int64_t layer = 0; layer < layers; ++layer) {
      const auto index = static_cast<size_t>(layer);
      const at::Tensor z = at::constant_pad_nd(examples.features_BF[index], {0, 1}, 1);
      const at::Tensor wrong = (at::matmul(z, probes[index].weights) - targets).square();
      tally.probe[layer].index_add_(1, block, wrong.t());
    }
  }
  return tally;
}

struct Score {
  std::vector<double> r2, low, high;
};

Score score(const Tally& tally, int64_t site, const Span& span, const Bootstrap& bootstrap) {
  const int64_t all = tally.mean.size(0);
  const at::Tensor error =
      tally.probe.narrow(1, site * all + span.first, span.size).sum(1);          // [L, blocks]
  const at::Tensor spread = tally.mean.narrow(0, span.first, span.size).sum(0);  // [blocks]
  const at::Tensor drawn =
      1 - bootstrap.means(error.t()) / bootstrap.means(spread.unsqueeze(1));  // [R, L]
  const Interval interval = interval_of(drawn, probing::kCoverage);
  return {numbers(1 - error.sum(1) / spread.sum()), numbers(interval.low), numbers(interval.high)};
}

}  // namespace

LinearResult probe_linear(ProbedModel& model, const TaskConfig& task, int64_t train_seed,
                          const LinearOptions& options) {
  if (options.batch < 2 || options.n_points < 1) {
    throw UsageError("linear probes need at least 1 point and batches of at least 2 prompts");
  }
  if (options.n_train < 2 || options.n_validation < 1 || options.n_test < 2) {
    throw UsageError("linear probes need at least 2 training, 1 validation and 2 test prompts");
  }
  Source source(model, task, train_seed, options);
  const std::vector<SecondMoments> train =
      moments(source, "train", batches(options.n_train, options));
  const std::vector<SecondMoments> validation =
      moments(source, "validation", batches(options.n_validation, options));
  std::vector<Probes> probes;
  for (size_t layer = 0; layer < train.size(); ++layer) {
    probes.push_back(solve(train[layer], validation[layer], source));
  }
  const at::Tensor target_mean = train[0].cross[train[0].cross.size(0) - 1] / train[0].count;
  const Tally tally = test(source, probes, target_mean, task.inputs, options);
  const Bootstrap bootstrap(options.resamples, tally.mean.size(1),
                            RandomStream(options.seed, "linear probe").child("bootstrap"));
  LinearResult result{.n_points = options.n_points,
                      .n_train = batches(options.n_train, options) * options.batch,
                      .n_validation = batches(options.n_validation, options) * options.batch,
                      .n_test = batches(options.n_test, options) * options.batch,
                      .targets = {}};
  const int64_t half = target_mean.size(0) / 2;
  for (int64_t site = 0; site < kSites; ++site) {
    for (size_t i = 0; i < source.names.size(); ++i) {
      const Span span = source.spans[i];
      const Score own = score(tally, site, span, bootstrap);
      const Score control = score(tally, site, {span.first + half, span.size}, bootstrap);
      LinearTarget target{.name = source.names[i],
                          .tokens = kTokens[static_cast<size_t>(site)],
                          .r2 = own.r2,
                          .low = own.low,
                          .high = own.high,
                          .control = control.r2,
                          .control_low = control.low,
                          .control_high = control.high,
                          .penalty = {}};
      for (const Probes& layer : probes) {
        target.penalty.push_back(
            layer.penalties[static_cast<size_t>(site) * source.names.size() + i]);
      }
      result.targets.push_back(std::move(target));
    }
  }
  return result;
}

}  // namespace icl
