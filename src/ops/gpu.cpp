// SPDX-License-Identifier: Apache-2.0
#include "icl/ops/gpu.h"

#include <dlfcn.h>

#include "icl/base/error.h"

namespace icl {
namespace {

#if defined(ICL_CUDA_LIBRARY)
// The folder that this very code was loaded from, with its '/'; "" if the loader cannot say.
std::string own_folder() {
  Dl_info info;
  if (dladdr(reinterpret_cast<const void*>(&why_no_gpu), &info) == 0) return "";
  const std::string path = info.dli_fname;
  return path.substr(0, path.rfind('/') + 1);
}

void* library_handle = nullptr;

std::string load() {
  // What the CUDA runtime itself looks for.
  if (dlopen("libcuda.so.1", RTLD_LAZY) == nullptr) return "there is no NVIDIA driver here";
  const std::string library = own_folder() + ICL_CUDA_LIBRARY;
  library_handle = dlopen(library.c_str(), RTLD_NOW);
  if (library_handle != nullptr) return "";
  return str("the CUDA kernels cannot be loaded: ", dlerror());
}
#else
void* const library_handle = nullptr;

std::string load() {
  return "this build has no CUDA kernels";
}
#endif

// Now, not when first asked for: ATen looks for its CUDA half once, early, and a PyTorch process
// that loads this library asks for nothing.
const std::string reason = load();

}  // namespace

const std::string& why_no_gpu() {
  return reason;
}

std::optional<GpuLimits> gpu_limits(int index) {
  if (library_handle == nullptr) return std::nullopt;
  // icl_gpu_limits of src/ops/cuda_device.cpp
  using Ask = int (*)(int, GpuLimits*);
  const auto ask = reinterpret_cast<Ask>(dlsym(library_handle, "icl_gpu_limits"));
  GpuLimits limits{};
  if (ask == nullptr || ask(index, &limits) != 0) return std::nullopt;
  return limits;
}

}  // namespace icl
