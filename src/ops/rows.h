// SPDX-License-Identifier: Apache-2.0
//
// Kernels read [B, L, W] arguments as B L rows of W contiguous elements at a fixed distance. Slices
// of a projection's output (z = xz[..., I:2I]) have that form and need no copy.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>

namespace icl {

// A [B, L, W] tensor in row form, `tensor` itself or a contiguous copy of it.
class Rows {
 public:
  Rows() = default;
  explicit Rows(const at::Tensor& tensor)
      : tensor_(in_place(tensor) ? tensor : tensor.contiguous()) {
    // Distances along dimensions of size 1 are arbitrary: derive it from one that counts.
    stride_ = tensor_.size(1) > 1   ? tensor_.stride(1)
              : tensor_.size(0) > 1 ? tensor_.stride(0)
                                    : tensor_.size(2);
  }
  explicit Rows(const std::optional<at::Tensor>& tensor) {
    if (tensor && tensor->defined()) *this = Rows(*tensor);
  }

  template <class T>
  const T* data() const {
    return tensor_.defined() ? tensor_.const_data_ptr<T>() : nullptr;
  }
  int64_t stride() const { return stride_; }  // elements from one row to the next
  const at::Tensor& tensor() const { return tensor_; }

 private:
  static bool in_place(const at::Tensor& t) {
    if (t.numel() == 0) return t.is_contiguous();
    if (t.size(2) > 1 && t.stride(2) != 1) return false;
    if (t.size(1) == 1) return t.size(0) == 1 || t.stride(0) >= t.size(2);
    return t.stride(1) >= t.size(2) && (t.size(0) == 1 || t.stride(0) == t.size(1) * t.stride(1));
  }

  at::Tensor tensor_;
  int64_t stride_ = 0;
};

}  // namespace icl
