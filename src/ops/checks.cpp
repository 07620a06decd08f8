// SPDX-License-Identifier: Apache-2.0
#include "src/ops/checks.h"

#include "icl/base/error.h"
#include "icl/base/shape.h"

namespace icl::ops {
namespace {

bool same_shape(const at::Tensor& tensor, c10::SymIntArrayRef shape) {
  if (!tensor.defined() || tensor.dim() != static_cast<int64_t>(shape.size())) return false;
  for (size_t i = 0; i < shape.size(); ++i) {
    const bool any = !shape[i].is_symbolic() && shape[i] < 0;
    if (!any && tensor.sym_size(static_cast<int64_t>(i)) != shape[i]) return false;
  }
  return true;
}

std::string describe(c10::SymIntArrayRef shape) {
  std::string text;
  for (const c10::SymInt& size : shape) {
    const bool any = !size.is_symbolic() && size < 0;
    text += (text.empty() ? "" : ", ") + (any ? std::string("any") : icl::str(size));
  }
  return "[" + text + "]";
}

}  // namespace

at::ScalarType state_type(at::ScalarType activation) {
  const bool is_short = activation == at::kHalf || activation == at::kBFloat16;
  return is_short ? at::kFloat : activation;
}

Checker::Checker(const char* where, const char* name, const at::Tensor& first)
    : where_(where), first_name_(name), first_(first) {
  if (!first.defined()) throw UsageError(str(where, ": ", name, " is undefined"));
  const at::ScalarType type = first.scalar_type();
  if (type != at::kFloat && type != at::kDouble && type != at::kHalf && type != at::kBFloat16) {
    throw UsageError(str(where, ": ", name, " is ", describe_tensor(first),
                         ", expected float32, float64, float16 or bfloat16"));
  }
}

void Checker::dims(int64_t expected) const {
  if (first_.dim() != expected) {
    throw UsageError(str(where_, ": ", first_name_, " is ", describe_tensor(first_), ", expected ",
                         expected, " dimensions"));
  }
}

void Checker::activation(const char* name, const at::Tensor& tensor, c10::SymIntArrayRef shape) {
  check(name, tensor, shape, first_.scalar_type());
}
void Checker::activation(const char* name, const OptionalTensor& tensor,
                         c10::SymIntArrayRef shape) {
  if (has(tensor)) activation(name, *tensor, shape);
}
void Checker::parameter(const char* name, const at::Tensor& tensor, c10::SymIntArrayRef shape) {
  check(name, tensor, shape, state_type(first_.scalar_type()));
}
void Checker::parameter(const char* name, const OptionalTensor& tensor, c10::SymIntArrayRef shape) {
  if (has(tensor)) parameter(name, *tensor, shape);
}

void Checker::check(const char* name, const at::Tensor& tensor, c10::SymIntArrayRef shape,
                    at::ScalarType type) {
  std::string expected;
  const auto expect = [&](const std::string& words) {
    expected += (expected.empty() ? "" : ", ") + words;
  };
  if (!same_shape(tensor, shape)) expect("shape " + describe(shape));
  if (tensor.defined() && tensor.scalar_type() != type) {
    expect(describe_type(type) + " beside " + first_name_ + " of " +
           describe_type(first_.scalar_type()));
  }
  if (tensor.defined() && tensor.device() != first_.device()) {
    expect("device " + first_.device().str() + ", where " + first_name_ + " is");
  }
  if (!expected.empty()) {
    problem(str(name, " is ", describe_tensor(tensor), ", expected ", expected));
  }
}

void Checker::problem(const std::string& words) {
  problems_ += (problems_.empty() ? "" : "; ") + words;
}

void Checker::done() const {
  if (!problems_.empty()) throw UsageError(str(where_, ": ", problems_));
}

void check_cpu_type(const char* where, const char* name, const at::Tensor& first) {
  if (!first.defined()) return;  // named by the Checker
  if (first.scalar_type() != at::kHalf && first.scalar_type() != at::kBFloat16) return;
  throw UsageError(
      str(where, ": ", name, " is ", describe_tensor(first),
          ", but on the CPU all arguments must be float32, or all float64 (float16 and "
          "bfloat16 need a GPU; under autocast the operators compute in float32)"));
}

}  // namespace icl::ops
