// SPDX-License-Identifier: Apache-2.0
//
// Checks of an operator's CUDA kernels, gradients included, against its reference in float64.
//
// The tests in *_gpu_test.cpp are built twice: test_ops runs them on a GPU, test_emulated_ops on
// the host, with the kernels' sources compiled for it (tests/emulation), at the smaller sizes.
#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace icl::testing {

using Tensors = std::vector<at::Tensor>;

struct KernelDevice {
  at::Device device = at::kCPU;
  bool emulated = false;
  bool small = false;   // only small shapes: emulated, or ICL_SMALL_SHAPES is set (a sanitizer)
  std::string missing;  // why there is no device to test on; empty if there is
};
const KernelDevice& kernel_device();

// Skips its tests where there is no GPU.
class OnKernels : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!kernel_device().missing.empty()) GTEST_SKIP() << kernel_device().missing;
  }
};

// Calls icl::`name` without gradients; an undefined tensor stands for an absent one.
Tensors call(const std::string& name, const std::vector<c10::IValue>& arguments);
c10::IValue optional(const at::Tensor& tensor);

struct KernelCase {
  std::string name;
  Tensors inputs;  // float64 on the CPU; undefined: an absent argument
  // Which inputs, and then which outputs, stay float32 beside 16-bit activations.
  std::vector<bool> wide_inputs, wide_outputs;
  std::function<Tensors(const Tensors& inputs)> reference;
  std::function<Tensors(const Tensors& inputs)> forward;  // what it returns beyond the outputs is
                                                          // for `backward`
  std::function<Tensors(const Tensors& inputs, const Tensors& forward, const Tensors& slopes)>
      backward;                                        // a gradient for each input
  double forward_bound = 2e-6, gradient_bound = 5e-6;  // of the relative norm, in float32
  bool reference_on_device = false;                    // where the CPU would take minutes
  // A GPU's own exponential (ex2.approx: 2 ulp by the PTX manual) is not the reference's, whose
  // error says nothing of it.
  bool has_exponentials = false;
};

// The case's inputs on the device of the kernels, in float64.
Tensors inputs_on_device(const KernelCase& c);

// Outputs and gradients of the kernels with activations of this type, for fixed random incoming
// gradients.
Tensors kernel_results(const KernelCase& c, at::ScalarType type);

// Every output and gradient: float64 to 1e-11; float32 within the bounds and twice the reference's
// own error; 16 bits as if computed in float32 and rounded once.
void check_kernels(const KernelCase& c, at::ScalarType type);

// Gradients of the float64 kernels against central differences of them.
void gradcheck_kernels(const KernelCase& c);

// The public operator with autograd gives what `forward` and `backward` do.
void check_operator(const KernelCase& c, const std::function<Tensors(const Tensors&)>& op);

// The same bytes five times.
void check_repeats(const KernelCase& c, at::ScalarType type);

}  // namespace icl::testing
