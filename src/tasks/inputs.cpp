// SPDX-License-Identifier: Apache-2.0
#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "icl/tasks/task_sampler.h"
#include "products.h"

namespace icl {
namespace {

// scale * U diag(e) U^T with the columns of U in `rows_DD`.
at::Tensor symmetric_map(const at::Tensor& rows_DD, const at::Tensor& scales_D, double scale) {
  const int64_t n = scales_D.size(0);
  const double* rows = rows_DD.const_data_ptr<double>();
  const double* scales = scales_D.const_data_ptr<double>();
  at::Tensor result = at::zeros({n, n}, at::kDouble);
  double* out = result.data_ptr<double>();
  for (int64_t k = 0; k < n; ++k) {
    const double* row = rows + k * n;
    for (int64_t i = 0; i < n; ++i) {
      const double factor = scale * scales[k] * row[i];
      for (int64_t j = 0; j < n; ++j) out[i * n + j] += factor * row[j];
    }
  }
  return result.to(at::kFloat);
}

}  // namespace

bool is_rotated(const InputConfig& config) {
  return config.distribution == "skewed" || config.distribution == "half_subspace";
}

at::Tensor direction_scales(const InputConfig& config, int64_t total_dims) {
  if (config.distribution == "skewed") {
    return at::arange(1, total_dims + 1, at::kDouble).pow(-config.exponent);
  }
  at::Tensor scales = at::zeros({total_dims}, at::kDouble);
  scales.slice(0, 0, std::max<int64_t>(1, total_dims / 2)).fill_(1);
  return scales;
}

at::Tensor random_transformation(const at::Tensor& scales_D, const RandomStream& stream) {
  const int64_t n = scales_D.size(0);
  const at::Tensor rows =
      functions::orthonormal_rows(stream.child("rotation").normal({n, n}).to(at::kDouble));
  const double total = scales_D.square().sum().item<double>();
  return symmetric_map(rows, scales_D, std::sqrt(static_cast<double>(n) / total));
}

at::Tensor sample_inputs(const InputConfig& config, int64_t total_dims, const RandomStream& stream,
                         const RandomStream& fixed_stream, int64_t batch_size, int64_t n_points,
                         int64_t n_dims) {
  at::Tensor xs_BKD = stream.child("xs").normal({batch_size, n_points, total_dims});
  if (is_rotated(config)) {
    const bool fixed = config.rotation == "fixed";
    const at::Tensor t =
        random_transformation(direction_scales(config, total_dims), fixed ? fixed_stream : stream);
    xs_BKD = functions::product(xs_BKD, t.unsqueeze(0));
  }
  if (config.scale != 1) xs_BKD = xs_BKD * config.scale;
  if (config.bias != 0) xs_BKD = xs_BKD + config.bias;
  if (config.distribution == "random_quadrants") {
    const at::Tensor signs =
        stream.child("quadrants").integers({batch_size, 1, total_dims}, 2).to(at::kFloat) * 2 - 1;
    // Every point but the last, which asks about anywhere.
    at::Tensor shown = xs_BKD.slice(1, 0, n_points - 1);
    shown.copy_(shown.abs() * signs);
  }
  if (n_dims < total_dims) xs_BKD.slice(2, n_dims).zero_();
  return xs_BKD;
}

}  // namespace icl
