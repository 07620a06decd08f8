// SPDX-License-Identifier: Apache-2.0
#include "icl/probing/references.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "icl/base/error.h"
#include "icl/base/text.h"

namespace icl {
namespace {

// Of gd++ on x (I - gamma X^T X): the step of a direction is that of gd times (1 - gamma n l)^2.
at::Tensor transformed_step(const Spectrum& spectrum, double gamma) {
  const at::Tensor& values = spectrum.values_BD;
  const at::Tensor h = 1 - gamma * static_cast<double>(spectrum.n_points) * values;
  return optimal_step(values) * h.square();
}

// Filters of 0, 1, ..., `iterations` steps, stacked.
template <class Filter>
auto every_step(int64_t iterations, const Filter& filter) {
  return [=](const Spectrum& spectrum) {
    std::vector<at::Tensor> filters;
    for (int64_t t = 0; t <= iterations; ++t) filters.push_back(filter(spectrum, t));
    return at::stack(filters);
  };
}

std::vector<double> count_up(int64_t iterations) {
  std::vector<double> steps;
  for (int64_t t = 0; t <= iterations; ++t) steps.push_back(static_cast<double>(t));
  return steps;
}

std::vector<double> log_spaced(double first, double last, int64_t count) {
  std::vector<double> values;
  for (int64_t i = 0; i < count; ++i) {
    const double share = static_cast<double>(i) / static_cast<double>(count - 1);
    values.push_back(first * std::pow(last / first, share));
  }
  return values;
}

Reference descent(const std::string& name, int64_t iterations, double gamma) {
  return {.name = name,
          .steps = count_up(iterations),
          .gamma = gamma,
          .filters = every_step(iterations, [gamma](const Spectrum& spectrum, int64_t t) {
            const at::Tensor step = transformed_step(spectrum, gamma);
            return descent_filter(spectrum.values_BD, step, t);
          })};
}

Reference newton(const std::string& name, int64_t iterations) {
  return {.name = name,
          .steps = count_up(iterations),
          .filters = every_step(iterations, [](const Spectrum& spectrum, int64_t t) {
            return newton_filter(spectrum.values_BD, t);
          })};
}

Reference ridge(const std::string& name) {
  const std::vector<double> penalties = log_spaced(100, 1e-6, 33);
  return {.name = name, .steps = penalties, .filters = [=](const Spectrum& spectrum) {
            std::vector<at::Tensor> filters;
            for (const double p : penalties) filters.push_back(ridge_filter(spectrum.values_BD, p));
            return at::stack(filters);
          }};
}

// The largest eigenvalue of X^T X of n Gaussian points in D dimensions, about.
double largest_of(double n_points, double n_dims) {
  return std::pow(std::sqrt(n_points) + std::sqrt(n_dims), 2);
}

}  // namespace

at::Tensor Reference::weights(const Spectrum& spectrum) const {
  return spectrum.weights(filters(spectrum));
}

at::Tensor Reference::predict(const Spectrum& spectrum, const at::Tensor& queries_BQD) const {
  const at::Tensor queries = queries_BQD.to(at::kCPU, at::kDouble);
  return at::matmul(queries, weights(spectrum).unsqueeze(3)).squeeze(3);
}

const std::vector<std::string>& reference_names() {
  static const std::vector<std::string> names = {"gd", "gd++", "newton", "ridge"};
  return names;
}

Reference make_reference(const std::string& name, int64_t iterations, double gamma) {
  if (name == "gd") return descent(name, iterations, 0);
  if (name == "gd++") return descent(name, iterations, gamma);
  if (name == "newton") return newton(name, iterations);
  if (name == "ridge") return ridge(name);
  throw UsageError(str("unknown reference '", name, "'", did_you_mean(name, reference_names()),
                       " (known: ", join(reference_names()), ")"));
}

GammaSearch search_gamma(const Spectrum& spectrum, const at::Tensor& queries_BQD,
                         const at::Tensor& ys_BQ, int64_t iterations,
                         const std::function<void()>& poll) {
  const double ratio = largest_of(40, 20) / largest_of(static_cast<double>(spectrum.n_points),
                                                       static_cast<double>(queries_BQD.size(2)));
  GammaSearch search{.low = 1e-6 * std::min(1.0, ratio), .high = 1e-3 * std::max(1.0, ratio)};
  const int64_t count = std::llround(299 * std::log10(search.high / search.low) / 3) + 1;
  const at::Tensor ys = ys_BQ.to(at::kCPU, at::kDouble);
  const at::Tensor projected =
      at::bmm(queries_BQD.to(at::kCPU, at::kDouble), spectrum.vectors_BDD);  // [B, Q, D]
  const std::vector<double> grid = log_spaced(search.low, search.high, count);
  double best_error = INFINITY;
  for (size_t i = 0; i < grid.size(); ++i) {
    if (poll) poll();
    const at::Tensor filter =
        descent_filter(spectrum.values_BD, transformed_step(spectrum, grid[i]), iterations);
    const at::Tensor predictions =
        at::bmm(projected, (filter * spectrum.moment_BD).unsqueeze(2)).squeeze(2);
    const double error = (predictions - ys).square().mean().item<double>();
    if (!(error < best_error)) continue;
    best_error = error;
    search.gamma = grid[i];
    search.at_edge = i == 0 || i + 1 == grid.size();
  }
  return search;
}

}  // namespace icl
