// SPDX-License-Identifier: Apache-2.0
#include "src/ops/cuda_device.h"

#include <c10/cuda/CUDAStream.h>

#include <stdexcept>
#include <utility>

#include "icl/base/error.h"
#include "icl/ops/gpu.h"

namespace icl::ops {

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

}  // namespace icl::ops

// By name, as libicl_ops finds it (src/ops/gpu.cpp); answers with a cudaError_t.
extern "C" int icl_gpu_limits(int index, icl::GpuLimits* limits) {
  int multiprocessors = 0, kilohertz = 0, memory_kilohertz = 0, bus_bits = 0;
  for (const auto& [what, value] : {std::pair{cudaDevAttrMultiProcessorCount, &multiprocessors},
                                    std::pair{cudaDevAttrClockRate, &kilohertz},
                                    std::pair{cudaDevAttrMemoryClockRate, &memory_kilohertz},
                                    std::pair{cudaDevAttrGlobalMemoryBusWidth, &bus_bits}}) {
    const cudaError_t error = cudaDeviceGetAttribute(value, what, index);
    if (error != cudaSuccess) return error;
  }
  const double cycles_per_s = 1e3 * kilohertz * multiprocessors;
  // Memory moves data on both edges of its clock.
  *limits = {2e3 * memory_kilohertz * bus_bits / 8, 16 * cycles_per_s, 4 * cycles_per_s};
  return cudaSuccess;
}
