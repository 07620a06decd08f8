// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace icl {

inline double dot(const double* a, const double* b, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

}  // namespace icl
