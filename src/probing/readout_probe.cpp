// SPDX-License-Identifier: Apache-2.0
#include "icl/probing/readout_probe.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "icl/base/bootstrap.h"
#include "icl/base/error.h"
#include "icl/probing/references.h"
#include "src/probing/numbers.h"

namespace icl {
namespace {

using probing::numbers;

// Decoded scalars after every layer, in float64 on the CPU.
struct Decoded {
  at::Tensor context_LBF;  // at the x tokens that the fit uses
  at::Tensor queries_LBQ;
};

Decoded decode_all(ProbedModel& model, const ProbePrompts& prompts, const ReadoutOptions& options) {
  const Residuals residuals =
      model.observe(prompts.xs_BKD.to(options.device), prompts.ys_BK.to(options.device),
                    prompts.queries_BQD.to(options.device));
  const int64_t first = options.counts.context - options.fit_points;
  std::vector<at::Tensor> context;
  std::vector<at::Tensor> queries;
  for (size_t layer = 0; layer < residuals.queries.size(); ++layer) {
    const at::Tensor fitted = residuals.context[layer].slice(1, 2 * first, c10::nullopt, 2);
    context.push_back(model.decode(fitted).to(at::kCPU, at::kDouble));
    queries.push_back(model.decode(residuals.queries[layer]).to(at::kCPU, at::kDouble));
  }
  const at::Tensor said = residuals.predictions_BQ.to(at::kCPU, at::kDouble);
  const double apart = (queries.back() - said).abs().max().item<double>();
  // Numbers that are not finite are no defect: the inputs of the task may be too large for the
  // model.
  ICL_ASSERT(!(apart > 1e-4 * (1 + said.abs().max().item<double>())),
             "the last layer decodes to something else than the model's prediction: ", apart,
             " apart");
  return {at::stack(context), at::stack(queries)};
}

struct Fit {
  at::Tensor scale_LB, shift_LB;
};

// Least squares with intercept from the decoded context to its ys; a constant decode says nothing
// and gets scale zero.
Fit fit(const at::Tensor& decoded_LBF, const at::Tensor& ys_BF) {
  const at::Tensor mean = decoded_LBF.mean(2, true);
  const at::Tensor y_mean = ys_BF.mean(1, true);
  const at::Tensor centred = decoded_LBF - mean;
  const at::Tensor variance = centred.square().sum(2);
  const at::Tensor covariance = (centred * (ys_BF - y_mean)).sum(2);
  const at::Tensor tiny = variance <= 1e-24 * (1 + mean.squeeze(2).square());
  const at::Tensor scale = at::where(tiny, at::zeros_like(variance), covariance / variance);
  return {scale, y_mean.squeeze(1) - scale * mean.squeeze(2)};
}

class Summary {
 public:
  Summary(int64_t prompts, const ReadoutOptions& options)
      : bootstrap_(options.resamples, prompts,
                   RandomStream(options.seed, "probe").child("bootstrap")),
        options_(options) {}

  // Rows of `values` [S, B] over prompts.
  Profile profile(std::string name, const at::Tensor& values_SB) const {
    const Interval interval = interval_of(bootstrap_.means(values_SB.t()), probing::kCoverage);
    return {.name = std::move(name),
            .mean = numbers(values_SB.mean(1)),
            .std = numbers(values_SB.std(1)),
            .low = numbers(interval.low),
            .high = numbers(interval.high)};
  }

  // Squared error over the queries: [S, B].
  at::Tensor errors(const at::Tensor& predictions_SBQ, const at::Tensor& ys_BQ) const {
    return (predictions_SBQ - ys_BQ).square().mean(2) / options_.normaliser;
  }

  Match match(const std::string& curve, const Reference& reference, const at::Tensor& layers_LBQ,
              const at::Tensor& steps_SBQ) const {
    Match match{.reference = reference.name, .curve = curve};
    for (int64_t layer = 0; layer < layers_LBQ.size(0); ++layer) {
      const at::Tensor distance_SB = errors(steps_SBQ, layers_LBQ[layer]);
      const at::Tensor mean = distance_SB.mean(1);
      const int64_t best = mean.argmin().item<int64_t>();
      const at::Tensor drawn = bootstrap_.means(distance_SB.t()).argmin(1);
      const Interval interval = interval_of(drawn, probing::kCoverage);
      const auto step = [&](int64_t index) { return reference.steps[static_cast<size_t>(index)]; };
      match.step.push_back(step(best));
      // Penalties fall where iterations rise.
      const auto [low, high] =
          std::minmax({step(interval.low.item<int64_t>()), step(interval.high.item<int64_t>())});
      match.low.push_back(low);
      match.high.push_back(high);
      match.distance.push_back(mean[best].item<double>());
    }
    return match;
  }

 private:
  Bootstrap bootstrap_;
  const ReadoutOptions& options_;
};

void check(const TaskConfig& task, const ReadoutOptions& options) {
  if (options.fit_points < 2 || options.fit_points > options.counts.context) {
    throw UsageError(str("fit points: ", options.fit_points, ", expected 2 .. ",
                         options.counts.context, " (the points of the context)"));
  }
  if (options.counts.prompts < 2) throw UsageError("prompts: expected at least 2");
  if (!options.references.empty() && !task.traits().linear) {
    throw UsageError(str("references solve linear regression, and the task is ",
                         task.function.name(), "; use none"));
  }
}

}  // namespace

ReadoutResult probe_readout(ProbedModel& model, const TaskConfig& task, int64_t train_seed,
                            const ReadoutOptions& options) {
  check(task, options);
  // The model is one part of the work, each reference another.
  double parts_done = 0;
  const auto report = [&] {
    const auto parts = static_cast<double>(options.references.size() + 1);
    if (options.progress) options.progress(parts_done / parts);
  };
  report();
  const RandomStream stream(options.seed, "read-out probe");
  const ProbePrompts prompts = sample_probe_prompts(task, train_seed, options.counts, stream);
  const Decoded decoded = decode_all(model, prompts, options);
  const at::Tensor ys_BQ = prompts.ys_BQ.to(at::kDouble);
  const at::Tensor ys_BF =
      prompts.ys_BK.slice(1, options.counts.context - options.fit_points).to(at::kDouble);
  const Fit line = fit(decoded.context_LBF, ys_BF);
  const at::Tensor fitted_LBQ =
      decoded.queries_LBQ * line.scale_LB.unsqueeze(2) + line.shift_LB.unsqueeze(2);

  const Summary summary(options.counts.prompts, options);
  ReadoutResult result{.n_context = options.counts.context,
                       .n_queries = options.counts.queries,
                       .n_prompts = options.counts.prompts,
                       .fit_points = options.fit_points};
  result.curves = {summary.profile("fitted", summary.errors(fitted_LBQ, ys_BQ)),
                   summary.profile("raw", summary.errors(decoded.queries_LBQ, ys_BQ))};
  result.fits = {summary.profile("scale", line.scale_LB), summary.profile("shift", line.shift_LB)};
  if (options.references.empty()) return result;

  const Spectrum spectrum(prompts.xs_BKD, prompts.ys_BK);
  for (const std::string& name : options.references) {
    ++parts_done;
    report();
    GammaSearch search;
    if (name == "gd++") {
      const ProbePrompts other =
          sample_probe_prompts(task, train_seed, options.counts, stream.child("gamma"));
      search = search_gamma(Spectrum(other.xs_BKD, other.ys_BK), other.queries_BQD, other.ys_BQ,
                            /*iterations=*/22, [&] { report(); });
    }
    const Reference reference = make_reference(name, options.iterations, search.gamma);
    const at::Tensor steps_SBQ = reference.predict(spectrum, prompts.queries_BQD);
    result.references.push_back({.error = summary.profile(name, summary.errors(steps_SBQ, ys_BQ)),
                                 .steps = reference.steps,
                                 .gamma = search.gamma,
                                 .gamma_at_edge = search.at_edge});
    result.matches.push_back(summary.match("fitted", reference, fitted_LBQ, steps_SBQ));
    result.matches.push_back(summary.match("raw", reference, decoded.queries_LBQ, steps_SBQ));
  }
  return result;
}

}  // namespace icl
