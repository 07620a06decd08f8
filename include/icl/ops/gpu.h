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

#include <string>

namespace icl {

// Empty if the kernels are loaded (there may still be no GPU: at::hasCUDA() tells); otherwise what
// is missing: "this build has no CUDA kernels", "there is no NVIDIA driver here", or why the
// library could not be loaded.
const std::string& why_no_gpu();

}  // namespace icl
