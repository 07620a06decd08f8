// SPDX-License-Identifier: Apache-2.0
#include <ATen/Context.h>

#include <cstdlib>

#include "icl/ops/gpu.h"
#include "tests/ops/kernel_case.h"

namespace icl::testing {

const KernelDevice& kernel_device() {
  static const KernelDevice device = [] {
    if (!why_no_gpu().empty()) return KernelDevice{.missing = why_no_gpu()};
    if (!at::hasCUDA()) return KernelDevice{.missing = "there is no usable GPU here"};
    return KernelDevice{.device = at::Device(at::kCUDA, 0),
                        .small = std::getenv("ICL_SMALL_SHAPES") != nullptr};
  }();
  return device;
}

}  // namespace icl::testing
