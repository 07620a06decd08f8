// SPDX-License-Identifier: Apache-2.0
#include "products.h"

#include <ATen/Parallel.h>
#include <ATen/ops/zeros.h>

#include <cmath>

#include "icl/base/error.h"

namespace icl::functions {

at::Tensor product(const at::Tensor& a_BRD, const at::Tensor& b_BDC) {
  const at::Tensor a = a_BRD.contiguous();
  const at::Tensor b = b_BDC.contiguous();
  const int64_t rows = a.size(1);
  const int64_t depth = a.size(2);
  const int64_t columns = b.size(2);
  const bool shared = b.size(0) == 1;
  ICL_ASSERT(b.size(1) == depth && (shared || b.size(0) == a.size(0)), a.sizes(), b.sizes());
  at::Tensor result = at::zeros({a.size(0), rows, columns}, at::kFloat);
  const float* left = a.const_data_ptr<float>();
  const float* right = b.const_data_ptr<float>();
  float* out = result.data_ptr<float>();
  at::parallel_for(0, a.size(0) * rows, /*grain_size=*/256, [=](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const float* matrix = shared ? right : right + row / rows * depth * columns;
      float* sums = out + row * columns;
      for (int64_t d = 0; d < depth; ++d) {
        const float factor = left[row * depth + d];
        for (int64_t c = 0; c < columns; ++c) sums[c] += factor * matrix[d * columns + c];
      }
    }
  });
  return result;
}

at::Tensor orthonormal_rows(const at::Tensor& gaussian_DD) {
  at::Tensor result = gaussian_DD.clone(at::MemoryFormat::Contiguous);
  const int64_t n = result.size(0);
  double* rows = result.data_ptr<double>();
  for (int64_t i = 0; i < n; ++i) {
    double* row = rows + i * n;
    // The second pass removes what rounding left of the first.
    for (int pass = 0; pass < 2; ++pass) {
      for (int64_t j = 0; j < i; ++j) {
        const double* other = rows + j * n;
        double dot = 0;
        for (int64_t d = 0; d < n; ++d) dot += row[d] * other[d];
        for (int64_t d = 0; d < n; ++d) row[d] -= dot * other[d];
      }
    }
    double square = 0;
    for (int64_t d = 0; d < n; ++d) square += row[d] * row[d];
    const double scale = 1 / std::sqrt(square);
    for (int64_t d = 0; d < n; ++d) row[d] *= scale;
  }
  return result;
}

}  // namespace icl::functions
