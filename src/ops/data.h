// SPDX-License-Identifier: Apache-2.0
//
// Tensors as the kernels read and write them.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <cstdint>

#include "src/ops/checks.h"

namespace icl::ops {

// A [B, L, ...] tensor as B L rows of contiguous elements at a fixed distance: `tensor` itself or a
// contiguous copy of it. Slices of a projection's output (z = xz[..., I:2I]) have that form and
// need no copy.
class Rows {
 public:
  Rows() = default;
  explicit Rows(const at::Tensor& tensor)
      : tensor_(in_place(tensor) ? tensor : tensor.contiguous()) {
    // Distances along dimensions of size 1 are arbitrary: derive it from one that counts.
    stride_ = tensor_.size(1) > 1   ? tensor_.stride(1)
              : tensor_.size(0) > 1 ? tensor_.stride(0)
                                    : row_elements(tensor_);
  }
  explicit Rows(const OptionalTensor& tensor) {
    if (has(tensor)) *this = Rows(*tensor);
  }

  int64_t stride() const { return stride_; }  // elements from one row to the next
  const at::Tensor& tensor() const { return tensor_; }

 private:
  static int64_t row_elements(const at::Tensor& t) {
    int64_t count = 1;
    for (int64_t d = 2; d < t.dim(); ++d) count *= t.size(d);
    return count;
  }
  static bool in_place(const at::Tensor& t) {
    if (t.numel() == 0) return t.is_contiguous();
    int64_t inner = 1;  // elements of a row's dimensions so far
    for (int64_t d = t.dim() - 1; d >= 2; --d) {
      if (t.size(d) > 1 && t.stride(d) != inner) return false;
      inner *= t.size(d);
    }
    if (t.size(1) == 1) return t.size(0) == 1 || t.stride(0) >= inner;
    return t.stride(1) >= inner && (t.size(0) == 1 || t.stride(0) == t.size(1) * t.stride(1));
  }

  at::Tensor tensor_;
  int64_t stride_ = 0;
};

// The elements of a tensor of a type that a dispatch has settled; null if undefined.
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

inline at::Tensor contiguous(const OptionalTensor& tensor) {
  return has(tensor) ? tensor->contiguous() : at::Tensor();
}
// Contiguous, and where CUDA kernels read four elements at once: a view may start anywhere.
inline at::Tensor aligned(const at::Tensor& tensor) {
  at::Tensor plain = tensor.contiguous();
  if (reinterpret_cast<uintptr_t>(plain.const_data_ptr()) % 16 != 0) plain = plain.clone();
  return plain;
}
// For the gradient of an argument: contiguous, and undefined if the argument is absent.
inline at::Tensor grad_like(const OptionalTensor& argument) {
  return has(argument) ? at::empty(argument->sizes(), argument->options()) : at::Tensor();
}

}  // namespace icl::ops
