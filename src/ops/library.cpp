// SPDX-License-Identifier: Apache-2.0
//
// Every operator's schema; their kernels are registered beside their code (see internal.h).
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

}  // namespace icl
