// SPDX-License-Identifier: Apache-2.0
//
// What the CUDA operators ask of the GPU, and of their arguments as its kernels read them.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <c10/core/DeviceGuard.h>

#include <cstdint>
#include <optional>

#include "kernels/cuda/launch.h"
#include "src/ops/checks.h"
#include "src/ops/rows.h"

namespace icl::cuda {

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

// The elements of a tensor whose type for_types has settled; null if undefined.
template <class V>
const V* read(const at::Tensor& tensor) {
  return tensor.defined() ? static_cast<const V*>(tensor.const_data_ptr()) : nullptr;
}
template <class V>
const V* read(const Rows& rows) {
  return read<V>(rows.tensor());
}
template <class V>
V* write(const at::Tensor& tensor) {
  return tensor.defined() ? static_cast<V*>(tensor.data_ptr()) : nullptr;
}

// Contiguous, and where a kernel reads four elements at once: a view may start anywhere.
inline at::Tensor aligned(const at::Tensor& tensor) {
  at::Tensor plain = tensor.contiguous();
  if (reinterpret_cast<uintptr_t>(plain.const_data_ptr()) % 16 != 0) plain = plain.clone();
  return plain;
}
inline at::Tensor contiguous(const std::optional<at::Tensor>& tensor) {
  return has(tensor) ? tensor->contiguous() : at::Tensor();
}
// For the gradient of an argument: contiguous, and undefined if the argument is absent.
inline at::Tensor grad_like(const std::optional<at::Tensor>& argument) {
  return has(argument) ? at::empty(argument->sizes(), argument->options()) : at::Tensor();
}

}  // namespace icl::cuda
