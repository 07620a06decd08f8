// SPDX-License-Identifier: Apache-2.0
#include "icl/probing/references.h"

#include <ATen/ATen.h>

#include <cmath>

#include "icl/base/error.h"
#include "icl/base/text.h"

namespace icl {
namespace {

struct Extremes {
  at::Tensor low, high;  // [B, 1]
};

Extremes extremes(const Spectrum& spectrum) {
  return {spectrum.values_BD.narrow(1, 0, 1), spectrum.values_BD.narrow(1, -1, 1)};
}

// f_{t+1} = f_t + step h^2 (1 - l f_t), h = 1 - gamma n l.
at::Tensor descent(const Spectrum& spectrum, int64_t iterations, double gamma) {
  const at::Tensor& values = spectrum.values_BD;
  const Extremes ends = extremes(spectrum);
  const at::Tensor h = 1 - gamma * static_cast<double>(spectrum.n_points) * values;
  const at::Tensor step = 2 / (ends.low + ends.high).clamp_min(1e-300) * h.square();
  std::vector<at::Tensor> filters = {at::zeros_like(values)};
  for (int64_t t = 0; t < iterations; ++t) {
    filters.push_back(filters.back() + step * (1 - values * filters.back()));
  }
  return at::stack(filters);
}

at::Tensor newton(const Spectrum& spectrum, int64_t iterations) {
  const at::Tensor& values = spectrum.values_BD;
  std::vector<at::Tensor> filters = {values / extremes(spectrum).high.square().clamp_min(1e-300)};
  for (int64_t t = 0; t < iterations; ++t) {
    const at::Tensor& m = filters.back();
    filters.push_back(2 * m - values * m.square());
  }
  return at::stack(filters);
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

}  // namespace

Spectrum::Spectrum(const at::Tensor& xs_BKD, const at::Tensor& ys_BK) : n_points(xs_BKD.size(1)) {
  const at::Tensor xs = xs_BKD.to(at::kCPU, at::kDouble);
  const at::Tensor ys = ys_BK.to(at::kCPU, at::kDouble).unsqueeze(2);
  const auto n = static_cast<double>(n_points);
  const auto [values, vectors] = at::linalg_eigh(at::bmm(xs.transpose(1, 2), xs) / n);
  values_BD = values.clamp_min(0);
  vectors_BDD = vectors;
  moment_BD = at::bmm(vectors.transpose(1, 2), at::bmm(xs.transpose(1, 2), ys) / n).squeeze(2);
}

at::Tensor Reference::weights(const Spectrum& spectrum) const {
  const at::Tensor coefficients = filters(spectrum) * spectrum.moment_BD;
  return at::matmul(spectrum.vectors_BDD, coefficients.unsqueeze(3)).squeeze(3);
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
  if (name == "gd") {
    return {.name = name, .steps = count_up(iterations), .filters = [=](const Spectrum& spectrum) {
              return descent(spectrum, iterations, 0);
            }};
  }
  if (name == "gd++") {
    return {
        .name = name,
        .steps = count_up(iterations),
        .gamma = gamma,
        .filters = [=](const Spectrum& spectrum) { return descent(spectrum, iterations, gamma); }};
  }
  if (name == "newton") {
    return {.name = name, .steps = count_up(iterations), .filters = [=](const Spectrum& spectrum) {
              return newton(spectrum, iterations);
            }};
  }
  if (name == "ridge") {
    const std::vector<double> penalties = log_spaced(100, 1e-6, 33);
    return {.name = name, .steps = penalties, .filters = [=](const Spectrum& spectrum) {
              std::vector<at::Tensor> filters;
              for (const double p : penalties) filters.push_back(1 / (spectrum.values_BD + p));
              return at::stack(filters);
            }};
  }
  throw UsageError(str("unknown reference '", name, "'", did_you_mean(name, reference_names()),
                       " (known: ", join(reference_names()), ")"));
}

double search_gamma(const Spectrum& spectrum, const at::Tensor& queries_BQD,
                    const at::Tensor& ys_BQ, int64_t iterations) {
  const at::Tensor ys = ys_BQ.to(at::kCPU, at::kDouble);
  const at::Tensor projected =
      at::bmm(queries_BQD.to(at::kCPU, at::kDouble), spectrum.vectors_BDD);  // [B, Q, D]
  double best = 0;
  double best_error = INFINITY;
  for (const double gamma : log_spaced(1e-6, 1e-3, 300)) {
    const at::Tensor filter = descent(spectrum, iterations, gamma)[iterations];
    const at::Tensor predictions =
        at::bmm(projected, (filter * spectrum.moment_BD).unsqueeze(2)).squeeze(2);
    const double error = (predictions - ys).square().mean().item<double>();
    if (error < best_error) {
      best = gamma;
      best_error = error;
    }
  }
  return best;
}

}  // namespace icl
