// SPDX-License-Identifier: Apache-2.0
#include "icl/base/shape.h"

#include <sstream>

#include "icl/base/error.h"

namespace icl {

std::string describe_shape(at::IntArrayRef shape) {
  std::ostringstream out;
  out << '[';
  for (size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) out << ", ";
    if (shape[i] < 0) {
      out << "any";
    } else {
      out << shape[i];
    }
  }
  out << ']';
  return out.str();
}

std::string describe_type(at::ScalarType type) {
  switch (type) {
    case at::kFloat:
      return "float32";
    case at::kDouble:
      return "float64";
    case at::kHalf:
      return "float16";
    case at::kBFloat16:
      return "bfloat16";
    case at::kLong:
      return "int64";
    default:
      return c10::toString(type);
  }
}

std::string describe_tensor(const at::Tensor& tensor) {
  if (!tensor.defined()) return "undefined";
  // While torch.compile traces, sizes may be symbols.
  const bool symbolic = tensor.unsafeGetTensorImpl()->has_symbolic_sizes_strides();
  const std::string shape =
      symbolic ? icl::str(tensor.sym_sizes()) : describe_shape(tensor.sizes());
  return str(shape, " ", describe_type(tensor.scalar_type()), " on ", tensor.device().str());
}

void check_shape(const char* where, const char* name, const at::Tensor& tensor,
                 at::IntArrayRef expected) {
  bool same = tensor.defined() && tensor.dim() == static_cast<int64_t>(expected.size());
  for (size_t i = 0; same && i < expected.size(); ++i) {
    same = expected[i] < 0 || tensor.size(static_cast<int64_t>(i)) == expected[i];
  }
  if (!same) {
    throw UsageError(str(where, ": ", name, " is ", describe_tensor(tensor), ", expected shape ",
                         describe_shape(expected)));
  }
}

void check_type(const char* where, const char* name, const at::Tensor& tensor,
                at::ScalarType expected) {
  if (tensor.scalar_type() != expected) {
    throw UsageError(str(where, ": ", name, " is ", describe_tensor(tensor), ", expected ",
                         describe_type(expected)));
  }
}

void check_device(const char* where, const char* name, const at::Tensor& tensor,
                  at::Device expected) {
  if (tensor.device() != expected) {
    throw UsageError(str(where, ": ", name, " is ", describe_tensor(tensor), ", expected it on ",
                         expected.str()));
  }
}

}  // namespace icl
