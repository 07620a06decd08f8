// SPDX-License-Identifier: Apache-2.0
//
// Every operator's schema; their kernels are registered beside their code (see internal.h).
#include <ATen/autocast_mode.h>
#include <torch/library.h>

#include "icl/ops/add_rms_norm.h"
#include "icl/ops/causal_conv1d.h"
#include "icl/ops/long_conv.h"
#include "icl/ops/s4d_kernel.h"
#include "icl/ops/selective_scan.h"
#include "icl/ops/wkv.h"
#include "src/ops/internal.h"

namespace icl {

TORCH_LIBRARY(icl, library) {
  library.def(kSelectiveScanSchema);
  library.def(kSelectiveScanForwardSchema);
  library.def(kSelectiveScanBackwardSchema);
  library.def(kCausalConv1dSchema);
  library.def(kCausalConv1dBackwardSchema);
  library.def(kAddRmsNormSchema);
  library.def(kAddRmsNormBackwardSchema);
  library.def(kWkvSchema);
  library.def(kWkvForwardSchema);
  library.def(kWkvBackwardSchema);
  library.def(kS4dKernelSchema);
  library.def(kS4dKernelBackwardSchema);
  library.def(kLongConvSchema);
  library.def(kLongConvBackwardSchema);
}

namespace {

// Under autocast on the CPU, whose kernels know no 16-bit types: in float32.
void in_float32(const c10::OperatorHandle& op, c10::DispatchKeySet /*keys*/,
                torch::jit::Stack* stack) {
  const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::DispatchKey::AutocastCPU);
  const auto count = static_cast<std::ptrdiff_t>(op.schema().arguments().size());
  for (auto argument = stack->end() - count; argument != stack->end(); ++argument) {
    if (!argument->isTensor()) continue;
    *argument = at::autocast::cached_cast(at::kFloat, argument->toTensor(), c10::DeviceType::CPU);
  }
  op.callBoxed(stack);
}

}  // namespace

TORCH_LIBRARY_IMPL(icl, AutocastCPU, library) {
  for (const char* name :
       {"selective_scan", "causal_conv1d", "add_rms_norm", "wkv", "s4d_kernel", "long_conv"}) {
    library.impl(name, torch::CppFunction::makeFromBoxedFunction<&in_float32>());
  }
}

}  // namespace icl
