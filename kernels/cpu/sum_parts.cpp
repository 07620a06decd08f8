// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "kernels/cpu/kernels.h"

namespace icl::kernels::cpu {

template <class T>
void sum_parts(const T* parts, int64_t count, int64_t size, T* sum, int64_t begin, int64_t end) {
  constexpr int64_t kTogether = 256;  // in cache beside one row of parts
  double totals[kTogether];
  for (int64_t first = begin; first < end; first += kTogether) {
    const int64_t width = std::min(kTogether, end - first);
    std::fill_n(totals, width, 0.0);
    for (int64_t part = 0; part < count; ++part) {
      const T* from = parts + part * size + first;
      for (int64_t i = 0; i < width; ++i) totals[i] += static_cast<double>(from[i]);
    }
    for (int64_t i = 0; i < width; ++i) sum[first + i] = static_cast<T>(totals[i]);
  }
}

template void sum_parts(const float*, int64_t, int64_t, float*, int64_t, int64_t);
template void sum_parts(const double*, int64_t, int64_t, double*, int64_t, int64_t);

}  // namespace icl::kernels::cpu
