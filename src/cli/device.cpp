// SPDX-License-Identifier: Apache-2.0
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <stdlib.h>  // defines __GLIBC__
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <cstdlib>
#include <limits>

#include "icl/base/error.h"
#include "icl/cli/program.h"
#include "icl/ops/gpu.h"

namespace icl {

c10::Device prepare_device(const std::string& device, int64_t threads) {
  // cuBLAS is deterministic only with a workspace of its own, chosen before its first use.
  ::setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
  if (threads > 0) at::set_num_threads(static_cast<int>(threads));
  const bool gpu_there = why_no_gpu().empty() && at::hasCUDA();
  if (device == "cpu" || (device == "auto" && !gpu_there)) return c10::Device(c10::kCPU);
  const bool numbered = device.rfind("cuda:", 0) == 0 && device.size() > 5 && device.size() < 9 &&
                        device.find_first_not_of("0123456789", 5) == std::string::npos;
  if (device != "auto" && device != "cuda" && !numbered) {
    throw UsageError(str("--device '", device, "': expected auto, cpu, cuda or cuda:N"));
  }
  if (!gpu_there) {
    throw UsageError(str("--device '", device,
                         "': ", why_no_gpu().empty() ? "there is no usable GPU here" : why_no_gpu(),
                         "; use --device cpu"));
  }
  const int index = numbered ? std::atoi(device.c_str() + 5) : 0;
  const int count = static_cast<int>(at::detail::getCUDAHooks().deviceCount());
  if (index >= count) {
    throw UsageError(str("--device '", device, "': there are ", count, " GPUs, numbered from 0"));
  }
  at::Context& context = at::globalContext();
  context.setDeterministicAlgorithms(/*enabled=*/true, /*warn_only=*/true);
  // Which would also fill every new tensor with NaN, by one more kernel for each.
  context.setDeterministicFillUninitializedMemory(false);
  // The fused attention kernels sum gradients in an order that varies, and only warn of it.
  context.setSDPUseFlash(false);
  context.setSDPUseMemEfficient(false);
  context.setSDPUseCuDNN(false);
  return c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(index));
}

void keep_freed_memory() {
#ifdef __GLIBC__
  constexpr int kNever = std::numeric_limits<int>::max();
  constexpr int kMostOfOldVersions = 32 << 20;
  if (::mallopt(M_MMAP_THRESHOLD, kNever) == 0) ::mallopt(M_MMAP_THRESHOLD, kMostOfOldVersions);
  ::mallopt(M_TRIM_THRESHOLD, kNever);
#endif
}

}  // namespace icl
