// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/kernels.h"

namespace icl::kernels::cpu {

template <class T>
void sum_parts(const T* parts, int64_t count, int64_t size, T* sum, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) sum[i] = 0;
  for (int64_t part = 0; part < count; ++part) {
    const T* from = parts + part * size;
    for (int64_t i = begin; i < end; ++i) sum[i] += from[i];
  }
}

template void sum_parts(const float*, int64_t, int64_t, float*, int64_t, int64_t);
template void sum_parts(const double*, int64_t, int64_t, double*, int64_t, int64_t);

}  // namespace icl::kernels::cpu
