// SPDX-License-Identifier: Apache-2.0
#include <torch/library.h>

#include "src/ops/cuda/operators.h"

namespace icl::cuda {

TORCH_LIBRARY_IMPL(icl, CUDA, library) {
  register_operators(library);
}

}  // namespace icl::cuda
