// SPDX-License-Identifier: Apache-2.0
//
// Checks of tensor arguments whose message names the operator, the argument, what it was and what
// it should be.
//
//   check_shape("selective_scan", "B", B, {batch, length, n_state});
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace icl {

// "[2, 3] float32 on cpu"
std::string describe_tensor(const at::Tensor& tensor);
std::string describe_shape(at::IntArrayRef shape);  // "[2, any]", where -1 reads as any
std::string describe_type(at::ScalarType type);     // "float32"

// Throws UsageError unless `tensor` has exactly this shape; -1 admits any size in that place.
void check_shape(const char* where, const char* name, const at::Tensor& tensor,
                 at::IntArrayRef expected);

// Throws UsageError unless `tensor` has this element type.
void check_type(const char* where, const char* name, const at::Tensor& tensor,
                at::ScalarType expected);

// Throws UsageError unless `tensor` is on this device.
void check_device(const char* where, const char* name, const at::Tensor& tensor,
                  at::Device expected);

}  // namespace icl
