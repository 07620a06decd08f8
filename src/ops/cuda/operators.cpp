// SPDX-License-Identifier: Apache-2.0
#include "src/ops/cuda/operators.h"

#include <torch/library.h>

namespace icl::cuda {

void register_operators(torch::Library& library) {
  library.impl("selective_scan_forward", selective_scan_forward);
  library.impl("selective_scan_backward", selective_scan_backward);
  library.impl("causal_conv1d", causal_conv1d);
  library.impl("causal_conv1d_backward", causal_conv1d_backward);
  library.impl("add_rms_norm", add_rms_norm);
  library.impl("add_rms_norm_backward", add_rms_norm_backward);
  library.impl("wkv_forward", wkv_forward);
  library.impl("wkv_backward", wkv_backward);
  library.impl("s4d_kernel", s4d_kernel);
  library.impl("s4d_kernel_backward", s4d_kernel_backward);
  library.impl("long_conv", long_conv);
  library.impl("long_conv_backward", long_conv_backward);
}

}  // namespace icl::cuda
