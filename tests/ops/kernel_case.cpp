// SPDX-License-Identifier: Apache-2.0
#include "tests/ops/kernel_case.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/csrc/autograd/autograd.h>

#include "tests/support/compare.h"

namespace icl::testing {
namespace {

bool is_short(at::ScalarType type) {
  return type == at::kHalf || type == at::kBFloat16;
}

at::ScalarType type_of(at::ScalarType activations, bool wide) {
  return wide && is_short(activations) ? at::kFloat : activations;
}

// Arguments as the kernels get them.
Tensors rounded_inputs(const KernelCase& c, at::ScalarType type) {
  Tensors rounded;
  for (size_t i = 0; i < c.inputs.size(); ++i) {
    rounded.push_back(c.inputs[i].defined() ? c.inputs[i].to(type_of(type, c.wide_inputs[i]))
                                            : at::Tensor());
  }
  return rounded;
}

Tensors moved(const Tensors& tensors, at::Device device) {
  Tensors there;
  for (const at::Tensor& tensor : tensors) {
    there.push_back(tensor.defined() ? tensor.to(device) : tensor);
  }
  return there;
}

// Incoming gradients, the same for every implementation.
Tensors slopes_for(const KernelCase& c, const Tensors& outputs, at::ScalarType type) {
  at::manual_seed(5);
  Tensors slopes;
  for (size_t i = 0; i < c.wide_outputs.size(); ++i) {
    slopes.push_back(
        at::randn(outputs[i].sizes(), at::kDouble).to(type_of(type, c.wide_outputs[i])));
  }
  return slopes;
}

// Outputs and gradients of the reference computed in `type`, for arguments as in `rounded`.
Tensors reference_results(const KernelCase& c, const Tensors& rounded, const Tensors& slopes,
                          at::ScalarType type) {
  const at::Device device = c.reference_on_device ? kernel_device().device : at::kCPU;
  Tensors leaves;
  for (const at::Tensor& input : rounded) {
    leaves.push_back(input.defined() ? input.to(device, type, false, true).set_requires_grad(true)
                                     : input);
  }
  Tensors results = c.reference(leaves);
  at::Tensor loss = at::zeros({}, at::TensorOptions(device).dtype(type));
  for (size_t i = 0; i < slopes.size(); ++i) {
    loss = loss + (results[i] * slopes[i].to(device, type)).sum();
  }
  loss.backward();
  for (const at::Tensor& leaf : leaves) {
    const bool reached = leaf.defined() && leaf.grad().defined();
    results.push_back(reached ? leaf.grad() : leaf.defined() ? at::zeros_like(leaf) : leaf);
  }
  return results;
}

Tensors run_kernels(const KernelCase& c, const Tensors& rounded, const Tensors& slopes) {
  const Tensors inputs = moved(rounded, kernel_device().device);
  Tensors results = c.forward(inputs);
  const Tensors gradients = c.backward(inputs, results, moved(slopes, kernel_device().device));
  results.resize(c.wide_outputs.size());
  results.insert(results.end(), gradients.begin(), gradients.end());
  return moved(results, at::kCPU);
}

// Largest error of a 16-bit result in roundings of it, beyond what float32 arithmetic of values up
// to the largest explains: at most 1 if it was rounded once.
double roundings(const at::Tensor& found, const at::Tensor& exact) {
  const double unit = found.scalar_type() == at::kHalf ? 0x1p-11 : 0x1p-8;
  const at::Tensor oracle = exact.to(at::kCPU, at::kDouble);
  const at::Tensor error =
      (found.to(at::kDouble) - oracle).abs() - 2e-6 * oracle.abs().max().item<double>();
  const double worst = (error / (unit * oracle.abs() + 0x1p-25)).max().item<double>();
  return std::isnan(worst) ? INFINITY : worst;
}

}  // namespace

Tensors inputs_on_device(const KernelCase& c) {
  Tensors inputs;
  for (const at::Tensor& input : c.inputs) inputs.push_back(input.to(kernel_device().device));
  return inputs;
}

Tensors call(const std::string& name, const std::vector<c10::IValue>& arguments) {
  const at::AutoDispatchBelowADInplaceOrView below;
  const auto op = c10::Dispatcher::singleton().findSchemaOrThrow(("icl::" + name).c_str(), "");
  std::vector<c10::IValue> stack = arguments;
  op.callBoxed(&stack);
  Tensors results;
  for (const c10::IValue& value : stack) results.push_back(value.toTensor());
  return results;
}

c10::IValue optional(const at::Tensor& tensor) {
  return tensor.defined() ? c10::IValue(tensor) : c10::IValue();
}

Tensors kernel_results(const KernelCase& c, at::ScalarType type) {
  const Tensors rounded = rounded_inputs(c, type);
  const Tensors outputs = c.forward(moved(rounded, kernel_device().device));
  return run_kernels(c, rounded, slopes_for(c, outputs, type));
}

void check_kernels(const KernelCase& c, at::ScalarType type) {
  SCOPED_TRACE(c.name + " " + c10::toString(type));
  const Tensors rounded = rounded_inputs(c, type);
  const Tensors outputs = c.forward(moved(rounded, kernel_device().device));
  const Tensors slopes = slopes_for(c, outputs, type);
  const Tensors found = run_kernels(c, rounded, slopes);
  const Tensors oracle = reference_results(c, rounded, slopes, at::kDouble);
  const Tensors plain =
      type == at::kFloat ? reference_results(c, rounded, slopes, at::kFloat) : Tensors();
  ASSERT_EQ(found.size(), oracle.size());
  for (size_t i = 0; i < found.size(); ++i) {
    const size_t n_outputs = c.wide_outputs.size();
    const bool is_output = i < n_outputs;
    const std::string what =
        (is_output ? "output " : "gradient ") + std::to_string(is_output ? i : i - n_outputs);
    ASSERT_EQ(found[i].defined(), oracle[i].defined()) << what;
    if (!found[i].defined()) continue;
    ASSERT_EQ(found[i].sizes(), oracle[i].sizes()) << what;
    if (found[i].numel() == 0) continue;
    const double bound = is_output ? c.forward_bound : c.gradient_bound;
    if (type == at::kDouble) {
      EXPECT_LE(relative_error(found[i], oracle[i]), 1e-11) << what;
    } else if (type == at::kFloat) {
      const bool approximate = c.has_exponentials && !kernel_device().emulated;
      expect_close(what, found[i], plain[i], oracle[i], bound,
                   approximate ? kRounding + 0x1p-22 : kRounding);
    } else if (is_short(found[i].scalar_type())) {
      EXPECT_LE(roundings(found[i], oracle[i]), 1.0) << what;
    } else {
      EXPECT_LE(relative_error(found[i], oracle[i]), bound) << what;
    }
  }
}

void gradcheck_kernels(const KernelCase& c) {
  SCOPED_TRACE(c.name);
  const Tensors inputs = rounded_inputs(c, at::kDouble);
  const auto outputs_of = [&](const Tensors& in) {
    Tensors outputs = c.forward(moved(in, kernel_device().device));
    outputs.resize(c.wide_outputs.size());
    return moved(outputs, at::kCPU);
  };
  const Tensors slopes = slopes_for(c, outputs_of(inputs), at::kDouble);
  const auto loss = [&](const Tensors& in) {
    double sum = 0;
    const Tensors outputs = outputs_of(in);
    for (size_t i = 0; i < outputs.size(); ++i)
      sum += (outputs[i] * slopes[i]).sum().item<double>();
    return sum;
  };
  const Tensors found = run_kernels(c, inputs, slopes);
  constexpr double kStep = 1e-6;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].defined()) continue;
    Tensors near = inputs;
    near[i] = inputs[i].clone();
    const at::Tensor flat = near[i].view({-1});
    const at::Tensor analytic = found[slopes.size() + i].reshape({-1});
    for (int64_t e = 0; e < flat.numel(); ++e) {
      const double value = flat[e].item<double>();
      flat[e].fill_(value + kStep);
      const double above = loss(near);
      flat[e].fill_(value - kStep);
      const double below = loss(near);
      flat[e].fill_(value);
      const double numeric = (above - below) / (2 * kStep);
      EXPECT_NEAR(analytic[e].item<double>(), numeric, 1e-6 * std::max(1.0, std::abs(numeric)))
          << "input " << i << " element " << e;
    }
  }
}

void check_operator(const KernelCase& c, const std::function<Tensors(const Tensors&)>& op) {
  SCOPED_TRACE(c.name);
  Tensors leaves;
  for (const at::Tensor& input : moved(rounded_inputs(c, at::kFloat), kernel_device().device)) {
    leaves.push_back(input.defined() ? input.clone().set_requires_grad(true) : input);
  }
  const Tensors outputs = op(leaves);
  const Tensors slopes = moved(slopes_for(c, outputs, at::kFloat), kernel_device().device);
  at::Tensor loss = at::zeros({}, slopes[0].options());
  for (size_t i = 0; i < slopes.size(); ++i) loss = loss + (outputs[i] * slopes[i]).sum();
  loss.backward();
  const Tensors expected = c.forward(leaves);
  const Tensors gradients = c.backward(leaves, expected, slopes);
  for (size_t i = 0; i < outputs.size(); ++i) {
    EXPECT_EQ(outputs[i].device(), slopes[i].device());
    EXPECT_TRUE(at::equal(outputs[i], expected[i])) << "output " << i;
  }
  for (size_t i = 0; i < leaves.size(); ++i) {
    if (!leaves[i].defined()) continue;
    EXPECT_TRUE(at::equal(leaves[i].grad(), gradients[i])) << "gradient " << i;
  }
}

void check_repeats(const KernelCase& c, at::ScalarType type) {
  SCOPED_TRACE(c.name + " " + c10::toString(type));
  const Tensors first = kernel_results(c, type);
  for (int repeat = 1; repeat < 5; ++repeat) {
    const Tensors again = kernel_results(c, type);
    for (size_t i = 0; i < first.size(); ++i) {
      if (!first[i].defined()) continue;
      EXPECT_TRUE(at::equal(first[i], again[i])) << "result " << i;
    }
  }
}

}  // namespace icl::testing
