// SPDX-License-Identifier: Apache-2.0
//
// What the operators' CUDA implementations (OPERATOR/cuda.cpp) ask of the GPU, and of their
// arguments as its kernels read them. An implementation registers itself:
//
//   TORCH_LIBRARY_IMPL(icl, ICL_KERNEL_KEY, library) {
//     library.impl("wkv_forward", forward);
//     library.impl("wkv_backward", backward);
//   }
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/DeviceGuard.h>
#include <torch/library.h>

#include <cstdint>

#include "kernels/kernel.h"
#include "src/ops/data.h"

// The dispatch key of the CUDA implementations. Tests compile them for the host's key instead.
#if !defined(ICL_KERNEL_KEY)
#define ICL_KERNEL_KEY CUDA
#endif

namespace icl::ops {

// The GPU that an operator works on: the current one for as long as this lives.
class Gpu {
 public:
  explicit Gpu(const at::Tensor& tensor) : guard_(tensor.device()) {}
  // The stream that ATen's own operators use now.
  kernels::Stream stream() const;
  int multiprocessors() const;

 private:
  c10::DeviceGuard guard_;
};

// Throws if a launcher answered with a cudaError_t other than cudaSuccess.
void check_launch(const char* where, int error);

// Calls f.template operator()<T, S>() with T of the activations and S of parameters and states, for
// a type of activation that checks.h let through.
template <class F>
void for_types(at::ScalarType type, F&& f) {
  switch (type) {
    case at::kDouble:
      return f.template operator()<double, double>();
    case at::kHalf:
      return f.template operator()<__half, float>();
    case at::kBFloat16:
      return f.template operator()<__nv_bfloat16, float>();
    default:
      return f.template operator()<float, float>();
  }
}

}  // namespace icl::ops
