// SPDX-License-Identifier: Apache-2.0
//
// The library with the CUDA kernels, loaded by hand: that works without a GPU, too.
#include <ATen/core/dispatch/Dispatcher.h>
#include <dlfcn.h>
#include <gmock/gmock.h>

#include <string>

#include "icl/ops/gpu.h"

namespace icl {
namespace {

TEST(CudaLibrary, ImplementsEveryOperator) {
  if (why_no_gpu() == "this build has no CUDA kernels") GTEST_SKIP() << why_no_gpu();
  // Everything it needs is found now, not at the first launch.
  const std::string library = ICL_BIN_DIR "/../lib/libicl_ops_cuda.so";
  ASSERT_NE(dlopen(library.c_str(), RTLD_NOW), nullptr) << dlerror();
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
