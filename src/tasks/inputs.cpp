// SPDX-License-Identifier: Apache-2.0
#include <ATen/ATen.h>

#include <cmath>

#include "icl/tasks/task_sampler.h"

namespace icl {
namespace {

// Uniform on the orthogonal group: the Q of a Gaussian matrix, columns signed by R's diagonal
// (Mezzadri 2007). In float64, then rounded.
at::Tensor random_rotation(int64_t n, const RandomStream& stream) {
  const auto [q, r] = at::linalg_qr(stream.child("rotation").normal({n, n}).to(at::kDouble));
  return q * r.diagonal().sign();
}

}  // namespace

at::Tensor direction_scales(const InputConfig& config, int64_t total_dims) {
  if (config.distribution == "skewed") {
    return at::arange(1, total_dims + 1, at::kDouble).pow(-config.exponent);
  }
  at::Tensor scales = at::zeros({total_dims}, at::kDouble);
  scales.slice(0, 0, total_dims / 2).fill_(1);
  return scales;
}

at::Tensor random_transformation(const at::Tensor& scales_D, const RandomStream& stream) {
  const int64_t n = scales_D.size(0);
  const at::Tensor u = random_rotation(n, stream);
  const double total = scales_D.square().sum().item<double>();
  const at::Tensor t = at::matmul(u * scales_D, u.t());
  return (t * std::sqrt(static_cast<double>(n) / total)).to(at::kFloat);
}

at::Tensor sample_inputs(const InputConfig& config, int64_t total_dims, const RandomStream& stream,
                         const RandomStream& fixed_stream, int64_t batch_size, int64_t n_points,
                         int64_t n_dims) {
  at::Tensor xs_BKD = stream.child("xs").normal({batch_size, n_points, total_dims});
  if (config.distribution == "skewed" || config.distribution == "half_subspace") {
    const bool fixed = config.rotation == "fixed";
    const at::Tensor t =
        random_transformation(direction_scales(config, total_dims), fixed ? fixed_stream : stream);
    xs_BKD = at::matmul(xs_BKD, t);
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
