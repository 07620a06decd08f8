// SPDX-License-Identifier: Apache-2.0
#include "src/ops/cuda/device.h"

#include <c10/cuda/CUDAStream.h>

#include <stdexcept>

#include "icl/base/error.h"

namespace icl::cuda {

kernels::Stream Gpu::stream() const {
  return c10::cuda::getCurrentCUDAStream(guard_.current_device().index()).stream();
}

int Gpu::multiprocessors() const {
  int count = 0;
  check_launch("asking for the number of multiprocessors",
               cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount,
                                      guard_.current_device().index()));
  return count;
}

void check_launch(const char* where, int error) {
  if (error == cudaSuccess) return;
  throw std::runtime_error(str(where, ": CUDA error ", error, ": ",
                               cudaGetErrorString(static_cast<cudaError_t>(error))));
}

}  // namespace icl::cuda
