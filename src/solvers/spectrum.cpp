// SPDX-License-Identifier: Apache-2.0
#include "icl/solvers/spectrum.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>

namespace icl {
namespace {

constexpr double kTiny = 1e-300;
// Below this share of the largest value, 1 - (1 - step l)^t loses its digits, and is t step l
// anyway.
constexpr double kFlat = 1e-12;
// Newton's iteration squares what is missing: 200 of them leave nothing of any direction.
constexpr int64_t kMostNewtonIterations = 200;

at::Tensor largest(const at::Tensor& values_BD) {
  return values_BD.narrow(-1, values_BD.size(-1) - 1, 1);
}

}  // namespace

SymmetricEigen symmetric_eigen(const at::Tensor& matrices) {
  const at::Tensor finite = at::isfinite(matrices).all(-1).all(-1);  // [...]
  if (finite.all().item<bool>()) {
    auto [values, vectors] = at::linalg_eigh(matrices);
    return {values, vectors};
  }
  const at::Tensor keep = finite.unsqueeze(-1).unsqueeze(-1);
  const auto [values, vectors] =
      at::linalg_eigh(at::where(keep, matrices, at::zeros_like(matrices)));
  const at::Tensor nan = at::full({}, std::numeric_limits<double>::quiet_NaN(), matrices.options());
  return {at::where(finite.unsqueeze(-1), values, nan), at::where(keep, vectors, nan)};
}

Spectrum::Spectrum(const at::Tensor& xs_BKD, const at::Tensor& ys_BK) : n_points(xs_BKD.size(1)) {
  const at::Tensor xs = xs_BKD.to(at::kCPU, at::kDouble);
  const at::Tensor ys = ys_BK.to(at::kCPU, at::kDouble).unsqueeze(2);
  const auto n = static_cast<double>(n_points);
  const SymmetricEigen eigen = symmetric_eigen(at::bmm(xs.transpose(1, 2), xs) / n);
  values_BD = eigen.values.clamp_min(0);
  vectors_BDD = eigen.vectors;
  moment_BD = at::bmm(vectors_BDD.transpose(1, 2), at::bmm(xs.transpose(1, 2), ys) / n).squeeze(2);
}

Spectrum Spectrum::of_prefixes(const at::Tensor& xs_KD, const at::Tensor& ys_K) {
  const at::Tensor xs = xs_KD.to(at::kCPU, at::kDouble);
  const at::Tensor ys = ys_K.to(at::kCPU, at::kDouble);
  const at::Tensor counts = at::arange(1, xs.size(0) + 1, at::kDouble);
  const at::Tensor gram = at::cumsum(xs.unsqueeze(2) * xs.unsqueeze(1), 0);  // [K, D, D]
  const at::Tensor moment = at::cumsum(xs * ys.unsqueeze(1), 0);
  const SymmetricEigen eigen = symmetric_eigen(gram / counts.view({-1, 1, 1}));
  Spectrum spectrum;
  spectrum.n_points = xs.size(0);
  spectrum.values_BD = eigen.values.clamp_min(0);
  spectrum.vectors_BDD = eigen.vectors;
  spectrum.moment_BD =
      at::matmul((moment / counts.unsqueeze(1)).unsqueeze(1), eigen.vectors).squeeze(1);
  return spectrum;
}

at::Tensor Spectrum::weights(const at::Tensor& filters) const {
  return at::matmul(vectors_BDD, (filters * moment_BD).unsqueeze(-1)).squeeze(-1);
}

at::Tensor least_squares_filter(const at::Tensor& values_BD, double cut) {
  const at::Tensor kept = values_BD > cut * largest(values_BD);
  return at::where(kept, 1 / values_BD, at::zeros_like(values_BD));
}

at::Tensor ridge_filter(const at::Tensor& values_BD, double penalty) {
  return 1 / (values_BD + penalty);
}

at::Tensor optimal_step(const at::Tensor& values_BD) {
  return 2 / (values_BD.narrow(-1, 0, 1) + largest(values_BD)).clamp_min(kTiny);
}

at::Tensor descent_filter(const at::Tensor& values_BD, const at::Tensor& step, int64_t iterations) {
  const at::Tensor gain = step * values_BD;
  const at::Tensor curved = (1 - at::pow(1 - gain, iterations)) / values_BD;
  const at::Tensor flat = (step * static_cast<double>(iterations)).expand_as(values_BD);
  return at::where(values_BD > kFlat * largest(values_BD), curved, flat);
}

at::Tensor newton_filter(const at::Tensor& values_BD, int64_t iterations) {
  at::Tensor filter = values_BD / largest(values_BD).square().clamp_min(kTiny);
  for (int64_t k = 0; k < std::min(iterations, kMostNewtonIterations); ++k) {
    filter = 2 * filter - values_BD * filter.square();
  }
  return filter;
}

}  // namespace icl
