// SPDX-License-Identifier: Apache-2.0
#include "icl/models/chunks.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "icl/base/error.h"

namespace icl {
namespace {

constexpr int64_t kRows = 64;
// Products of a parameter with a number that two cores of a small machine do in about a second.
constexpr double kMostProducts = 2e10;

}  // namespace

int64_t chunk_rows(const RegressionModel& model, int64_t tokens) {
  if (!model.parameters().front().is_cpu()) return kRows;
  const double for_each =
      static_cast<double>(model.parameter_count()) * static_cast<double>(tokens);
  int64_t rows = kRows;
  while (rows > 1 && static_cast<double>(rows) * for_each > kMostProducts) rows /= 2;
  return rows;
}

at::Tensor rows_of(const at::Tensor& whole, int64_t first, int64_t rows) {
  const int64_t present = std::min(rows, whole.size(0) - first);
  ICL_ASSERT(first >= 0 && present > 0, "rows from ", first, " of ", whole.size(0));
  const at::Tensor part = whole.narrow(0, first, present);
  if (present == rows) return part;
  std::vector<int64_t> sizes = whole.sizes().vec();
  sizes[0] = rows - present;
  return at::cat({part, part.narrow(0, present - 1, 1).expand(sizes)});
}

}  // namespace icl
