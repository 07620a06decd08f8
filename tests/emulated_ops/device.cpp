// SPDX-License-Identifier: Apache-2.0
//
// The host in the place of a GPU: the operators' CUDA implementations (src/ops/OPERATOR/cuda.cpp)
// with the emulated kernels.
#include "src/ops/cuda_device.h"

#include "icl/base/error.h"
#include "tests/ops/kernel_case.h"

namespace icl::ops {

kernels::Stream Gpu::stream() const {
  return nullptr;
}
// So few that small scans, too, are spread in each of the ways that large ones are on a GPU.
int Gpu::multiprocessors() const {
  return 1;
}
void check_launch(const char* where, int error) {
  if (error != 0) throw std::runtime_error(str(where, ": error ", error));
}

}  // namespace icl::ops

namespace icl::testing {

const KernelDevice& kernel_device() {
  static const KernelDevice device{
      .device = at::kCPU, .emulated = true, .small = true, .missing = ""};
  return device;
}

}  // namespace icl::testing
