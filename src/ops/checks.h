// SPDX-License-Identifier: Apache-2.0
//
// Argument checks of the operators. A Checker compares the arguments of one call with its first
// activation and reports everything that is wrong in one UsageError, each argument with what it was
// and what was expected.
//
//   Checker check("wkv", "k", k);
//   check.dims(3);
//   check.parameter("decay", decay, {k.sym_size(2)});
//   check.activation("v", v, k.sym_sizes());
//   check.done();
//
// Sizes are c10::SymInt, because torch.compile traces the operators with symbolic shapes.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>

namespace icl::ops {

using OptionalTensor = std::optional<at::Tensor>;

inline bool has(const OptionalTensor& tensor) {
  return tensor && tensor->defined();
}

// Type of parameters and states beside activations of this type: float32 for float16 and bfloat16,
// else the same.
at::ScalarType state_type(at::ScalarType activation);

class Checker {
 public:
  // Throws if `first` is undefined or of another type than the operators know.
  Checker(const char* where, const char* name, const at::Tensor& first);

  // Throws unless the first activation has so many dimensions: the other checks read its sizes.
  void dims(int64_t expected) const;
  // Of the first activation's type; -1 admits any size in that place.
  void activation(const char* name, const at::Tensor& tensor, c10::SymIntArrayRef shape);
  void activation(const char* name, const OptionalTensor& tensor, c10::SymIntArrayRef shape);
  // Of the state_type of the first activation.
  void parameter(const char* name, const at::Tensor& tensor, c10::SymIntArrayRef shape);
  void parameter(const char* name, const OptionalTensor& tensor, c10::SymIntArrayRef shape);
  // One more problem, found by the caller.
  void problem(const std::string& words);
  // Throws UsageError if there were problems.
  void done() const;

 private:
  void check(const char* name, const at::Tensor& tensor, c10::SymIntArrayRef shape,
             at::ScalarType type);

  const char* where_;
  const char* first_name_;
  at::Tensor first_;
  std::string problems_;
};

// Throws unless `first`, the first activation, is of a type that the CPU kernels compute in. They
// call this before any other check: its message is about all arguments.
void check_cpu_type(const char* where, const char* name, const at::Tensor& first);

}  // namespace icl::ops
