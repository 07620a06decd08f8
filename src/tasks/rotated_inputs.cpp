// SPDX-License-Identifier: Apache-2.0
#include "icl/tasks/rotated_inputs.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "icl/tasks/gaussian_inputs.h"
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

at::Tensor draw_rotated(const InputRequest& request, const at::Tensor& scales_D) {
  const at::Tensor map_DD = random_transformation(scales_D, request.rotation);
  return functions::product(GaussianInputs{}.draw(request), map_DD.unsqueeze(0));
}

void describe_rotation(Fields& f, std::string& rotation) {
  f.choice("rotation", rotation, {"per_batch", "fixed"},
           "a fresh random rotation for each batch, or one for the whole run");
}

}  // namespace

at::Tensor skewed_scales(int64_t n_dims, double exponent) {
  return at::arange(1, n_dims + 1, at::kDouble).pow(-exponent);
}

at::Tensor half_subspace_scales(int64_t n_dims) {
  at::Tensor scales = at::zeros({n_dims}, at::kDouble);
  scales.slice(0, 0, std::max<int64_t>(1, n_dims / 2)).fill_(1);
  return scales;
}

at::Tensor random_transformation(const at::Tensor& scales_D, const RandomStream& stream) {
  const int64_t n = scales_D.size(0);
  const at::Tensor rows =
      functions::orthonormal_rows(stream.child("rotation").normal({n, n}).to(at::kDouble));
  const double total = scales_D.square().sum().item<double>();
  return symmetric_map(rows, scales_D, std::sqrt(static_cast<double>(n) / total));
}

void SkewedInputs::describe(Fields& f) {
  f.number("exponent", exponent, at_least(0),
           "standard deviation along direction i (from 1) falls as i^-exponent");
  describe_rotation(f, rotation);
}

at::Tensor SkewedInputs::draw(const InputRequest& request) const {
  return draw_rotated(request, skewed_scales(request.n_dims, exponent));
}

void HalfSubspaceInputs::describe(Fields& f) {
  describe_rotation(f, rotation);
}

at::Tensor HalfSubspaceInputs::draw(const InputRequest& request) const {
  return draw_rotated(request, half_subspace_scales(request.n_dims));
}

}  // namespace icl
