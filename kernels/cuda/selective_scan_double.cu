// SPDX-License-Identifier: Apache-2.0
// One source for each type: the scan has many shapes, and these compile side by side.
#include "kernels/cuda/selective_scan.cuh"

namespace icl::kernels {

ICL_INSTANTIATE_SELECTIVE_SCAN(double, double)

}  // namespace icl::kernels
