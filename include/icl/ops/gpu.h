// SPDX-License-Identifier: Apache-2.0
//
// Whether the operators can work on a GPU in this process.
//
// Their CUDA kernels are in a library of their own, libicl_ops_cuda.so beside libicl_ops.so. It
// brings libtorch_cuda along, which costs time and memory in every program; so libicl_ops, as it is
// loaded itself, loads it only where there is an NVIDIA driver.
//
//   if (!why_no_gpu().empty()) std::cerr << "on the CPU, as " << why_no_gpu() << "\n";
#pragma once

#include <optional>
#include <string>

namespace icl {

// Empty if the kernels are loaded (there may still be no GPU: at::hasCUDA() tells); otherwise what
// is missing: "this build has no CUDA kernels", "there is no NVIDIA driver here", or why the
// library could not be loaded.
const std::string& why_no_gpu();

// What a GPU could do at most, by the driver's word: the bounds that times are measured against.
struct GpuLimits {
  double bytes_per_s;         // of its memory
  double exponentials_per_s;  // special functions, 16 a cycle on each multiprocessor
  double instructions_per_s;  // of a warp, 4 a cycle on each multiprocessor
};
// Nothing if there is no such GPU, or no kernels for it.
std::optional<GpuLimits> gpu_limits(int index);

}  // namespace icl
