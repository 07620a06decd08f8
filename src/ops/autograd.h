// SPDX-License-Identifier: Apache-2.0
//
// Small parts of the operators' autograd functions.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/csrc/autograd/custom_function.h>

#include <initializer_list>
#include <string>

#include "icl/base/error.h"

namespace icl {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Gradients made by a fast kernel, tied to what they came from only to say, when somebody asks for
// a second derivative, that there is none and where to find one.
class OnceDifferentiable : public torch::autograd::Function<OnceDifferentiable> {
 public:
  static variable_list forward(AutogradContext* context, const std::string& name,
                               const at::Tensor& /*cause*/, variable_list gradients) {
    context->saved_data["name"] = name;
    return gradients;
  }
  static variable_list backward(AutogradContext* context, const variable_list& /*gradients*/) {
    const std::string name = context->saved_data["name"].toStringRef();
    throw UsageError(str("icl::", name,
                         " can be differentiated once; for second derivatives use icl::", name,
                         "_reference"));
  }
};

inline variable_list once_differentiable(const std::string& name, const at::Tensor& cause,
                                         variable_list gradients) {
  if (!at::GradMode::is_enabled() || !cause.requires_grad()) return gradients;
  std::vector<size_t> places;
  variable_list defined;
  for (size_t i = 0; i < gradients.size(); ++i) {
    if (!gradients[i].defined()) continue;
    places.push_back(i);
    defined.push_back(gradients[i]);
  }
  const variable_list tied = OnceDifferentiable::apply(name, cause, defined);
  for (size_t i = 0; i < places.size(); ++i) gradients[places[i]] = tied[i];
  return gradients;
}

// The operator of this name ("icl::wkv") and signature. Keep it in a static: a search takes a
// while.
template <class Signature>
c10::TypedOperatorHandle<Signature> find_operator(const char* name) {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, "").typed<Signature>();
}

inline at::Tensor or_undefined(const std::optional<at::Tensor>& tensor) {
  return tensor ? *tensor : at::Tensor();
}
inline std::optional<at::Tensor> or_nothing(const at::Tensor& tensor) {
  return tensor.defined() ? std::optional<at::Tensor>(tensor) : std::nullopt;
}

// Whether a call has to be recorded for a backward pass: without one, nothing is saved for it.
inline bool needs_gradient(std::initializer_list<at::Tensor> tensors) {
  if (!at::GradMode::is_enabled()) return false;
  for (const at::Tensor& tensor : tensors) {
    if (tensor.defined() && (tensor.requires_grad() || tensor._fw_grad(/*level=*/0).defined())) {
      return true;
    }
  }
  return false;
}

}  // namespace icl
