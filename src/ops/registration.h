// SPDX-License-Identifier: Apache-2.0
//
// What an operator gives to the dispatcher, said once. From the schema of the operator `x` and from
// its kernels this makes torch.ops.icl.x with gradients, autocast, shapes without data (Meta) and
// torch.func, and torch.ops.icl.x_reference.
//
//   TORCH_LIBRARY_FRAGMENT(icl, library) {
//     const ops::Registration wkv(library, kWkvSchema, wkv_reference);
//     wkv.forward(kForwardSchema, forward_cpu, forward_meta);
//     wkv.backward(kBackwardSchema, backward_cpu);
//   }
//
// The generic part goes by the names in the schemas:
//   x(ARGUMENTS) -> RESULTS
//   x_forward(ARGUMENTS, bool save) -> (RESULTS, Tensor saved)       if `saved` is needed
//   x_backward(...) -> (...)       An argument of x_backward is an argument of x by its name;
//       `saved`; the incoming gradient of a result, `dRESULT`; or a result itself, `out_RESULT`.
//       A result of x_backward is the gradient of an argument, `dARGUMENT`, or of two whose
//       gradients are equal, `dARGUMENT_and_dARGUMENT`.
// CUDA kernels of x (or x_forward) and x_backward are registered by the operator's cuda.cpp.
//
// Contract of the kernels:
//  - Forward kernels check their arguments; backward kernels may rely on it.
//  - Arguments may be strided (see rows.h); results are contiguous, gradients of the type and shape
//    of their argument.
//  - `saved` has the same shape on every device. Only the device's own backward kernel reads it.
//    With save=false it is empty.
//  - A gradient of an absent optional argument is an undefined tensor. An incoming gradient that is
//    absent (Tensor?) counts as zero.
//  - No graph is recorded around them. A second derivative is refused with the reference's name.
#pragma once

#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/library.h>

#include <string>

namespace icl::ops {

class Registration {
 public:
  // Registers the schema, the reference (ordinary tensor operations, of the same signature) under
  // the name x_reference, and all that is generic.
  template <class Reference>
  Registration(torch::Library& library, const char* schema, Reference* reference)
      : Registration(library, schema) {
    for (const auto key :
         {c10::DispatchKey::CompositeImplicitAutograd, c10::DispatchKey::FuncTorchBatched}) {
      library_.impl(reference_name().c_str(), torch::dispatch(key, reference));
    }
  }

  // Kernels of x itself, if nothing is saved for the backward pass.
  template <class Cpu, class Meta>
  void kernels(Cpu* cpu, Meta* meta) const {
    add(name_, cpu, meta);
  }
  // Kernels of x_forward; x calls x_forward.
  template <class Cpu, class Meta>
  void forward(const char* schema, Cpu* cpu, Meta* meta) const {
    library_.def(schema);
    add(name_ + "_forward", cpu, meta);
    forward_without_saving();
  }
  // The kernel of x_backward; without `meta`, each result has the shape and type of the argument
  // that it is the gradient of.
  template <class Cpu>
  void backward(const char* schema, Cpu* cpu) const {
    library_.def(schema);
    library_.impl((name_ + "_backward").c_str(), torch::dispatch(c10::DispatchKey::CPU, cpu));
    gradients_like_arguments();
  }
  template <class Cpu, class Meta>
  void backward(const char* schema, Cpu* cpu, Meta* meta) const {
    library_.def(schema);
    add(name_ + "_backward", cpu, meta);
  }

 private:
  Registration(torch::Library& library, const char* schema);

  template <class Cpu, class Meta>
  void add(const std::string& name, Cpu* cpu, Meta* meta) const {
    library_.impl(name.c_str(), torch::dispatch(c10::DispatchKey::CPU, cpu));
    library_.impl(name.c_str(), torch::dispatch(c10::DispatchKey::Meta, meta));
  }
  std::string reference_name() const { return name_ + "_reference"; }
  void forward_without_saving() const;
  void gradients_like_arguments() const;

  torch::Library& library_;
  std::string name_;
};

// The operator of this name ("icl::wkv") and signature. Keep it in a static: a search takes a
// while.
template <class Signature>
c10::TypedOperatorHandle<Signature> find_operator(const char* name) {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, "").typed<Signature>();
}

// Whether a call with these arguments is recorded for a backward pass.
bool needs_gradient(at::TensorList tensors);

}  // namespace icl::ops
