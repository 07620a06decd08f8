// SPDX-License-Identifier: Apache-2.0
//
// The library with the CUDA kernels, loaded by hand: that works without a GPU, too.
#include <ATen/core/dispatch/Dispatcher.h>
#include <dlfcn.h>
#include <gmock/gmock.h>

#include <filesystem>
#include <string>

#include "icl/ops/gpu.h"

namespace icl {
namespace {

TEST(CudaLibrary, ImplementsEveryOperator) {
  if (why_no_gpu() == "this build has no CUDA kernels") GTEST_SKIP() << why_no_gpu();
  // Everything it needs is found now, not at the first launch. Carried to another machine, it is
  // where that finds libraries.
  const std::string library = "libicl_ops_cuda.so", built = ICL_BIN_DIR "/../lib/" + library;
  const bool is_built_here = std::filesystem::exists(built);
  ASSERT_NE(dlopen((is_built_here ? built : library).c_str(), RTLD_NOW), nullptr) << dlerror();
  // delta_rule runs on the CPU alone so far.
  for (const char* name :
       {"selective_scan", "selective_scan_forward", "selective_scan_backward", "causal_conv1d",
        "causal_conv1d_backward", "add_rms_norm", "add_rms_norm_backward", "wkv", "wkv_forward",
        "wkv_backward", "s4d_kernel", "s4d_kernel_backward", "long_conv", "long_conv_backward"}) {
    const auto op = c10::Dispatcher::singleton().findSchema({std::string("icl::") + name, ""});
    ASSERT_TRUE(op.has_value()) << name;
    EXPECT_TRUE(op->hasKernelForDispatchKey(c10::DispatchKey::CUDA)) << name;
  }
}

}  // namespace
}  // namespace icl
