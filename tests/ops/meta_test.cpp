// SPDX-License-Identifier: Apache-2.0
//
// Shapes without data: what torch.compile plans with. Each operator, its forward and its backward
// half give on the Meta device the sizes, strides and types that they give on the CPU.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "icl/ops/delta_rule.h"
#include "tests/ops/kernel_case.h"

namespace icl {
namespace {

using testing::call;
using testing::Tensors;
using Arguments = std::vector<c10::IValue>;

Arguments on_meta(Arguments arguments) {
  for (c10::IValue& argument : arguments) {
    if (argument.isTensor()) argument = argument.toTensor().to(at::kMeta);
  }
  return arguments;
}

// Returns what the CPU gave.
Tensors check(const std::string& name, const Arguments& arguments) {
  SCOPED_TRACE(name);
  const Tensors real = call(name, arguments);
  const Tensors planned = call(name, on_meta(arguments));
  EXPECT_EQ(planned.size(), real.size());
  for (size_t i = 0; i < real.size(); ++i) {
    EXPECT_EQ(planned[i].defined(), real[i].defined()) << "result " << i;
    if (!real[i].defined() || !planned[i].defined()) continue;
    EXPECT_TRUE(planned[i].is_meta()) << "result " << i;
    EXPECT_EQ(planned[i].sizes(), real[i].sizes()) << "result " << i;
    EXPECT_EQ(planned[i].strides(), real[i].strides()) << "result " << i;
    EXPECT_EQ(planned[i].scalar_type(), real[i].scalar_type()) << "result " << i;
  }
  return real;
}

at::Tensor random(at::IntArrayRef shape, at::ScalarType type = at::kFloat) {
  return at::randn(shape, type);
}

// The operator, x_forward where there is one, and x_backward with the gradients of the results and
// `saved`. Arguments that are views in another order are as good as others.
void check_halves(const std::string& name, const Arguments& arguments) {
  const Tensors results = check(name, arguments);
  Arguments saving = arguments;
  saving.emplace_back(true);
  Arguments backward;
  for (const at::Tensor& result : results) backward.emplace_back(at::ones_like(result));
  backward.insert(backward.end(), arguments.begin(), arguments.end());
  backward.emplace_back(check(name + "_forward", saving).back());
  check(name + "_backward", backward);
  saving.back() = false;
  check(name + "_forward", saving);
}

TEST(MetaShapes, SelectiveScan) {
  for (const auto type : {at::kFloat, at::kDouble}) {
    const at::Tensor u = random({2, 19, 6}, type), B = random({2, 19, 3}, type);
    const at::Tensor A = -random({6, 3}, type).abs();
    check_halves("selective_scan", {u, u.abs(), A, B, B, random({6}, type), u, random({6}, type),
                                    true, random({2, 6, 3}, type)});
    check_halves("selective_scan",
                 {u.transpose(0, 1).contiguous().transpose(0, 1), u.abs(), A, B, B, c10::IValue(),
                  c10::IValue(), c10::IValue(), false, c10::IValue()});
  }
}

TEST(MetaShapes, Wkv) {
  const at::Tensor decay = -random({5}).abs(), k = random({2, 41, 5});
  check_halves("wkv", {decay, decay, k, k, c10::IValue()});
  check_halves("wkv", {decay, decay, k, k, random({2, 3, 5}).abs()});
}

TEST(MetaShapes, DeltaRule) {
  for (const auto type : {at::kFloat, at::kDouble}) {
    const at::Tensor q = random({2, 11, 1, 4}, type), v = random({2, 11, 3, 5}, type);
    const at::Tensor a = random({2, 11, 3, 4}, type);
    check_halves("delta_rule", {q, q, v, -a.abs(), a, a, 1.0, random({2, 3, 4, 5}, type)});
    check_halves("delta_rule", {q, q, v, -a.select(3, 0).abs(), c10::IValue(), c10::IValue(), 1.0,
                                c10::IValue()});
  }
}

TEST(MetaShapes, CausalConv1d) {
  const at::Tensor x = random({2, 9, 6}), weight = random({6, 4});
  const at::Tensor state = random({2, 3, 6});
  check("causal_conv1d", {x, weight, random({6}), true, state});
  check("causal_conv1d_backward", {x, x, weight, random({6}), true, state});
  check("causal_conv1d_backward", {x, x, weight, c10::IValue(), false, c10::IValue()});
}

TEST(MetaShapes, AddRmsNorm) {
  const at::Tensor x = random({2, 9, 6}), weight = random({6});
  check("add_rms_norm", {x, x, weight, 1e-5});
  check("add_rms_norm_backward", {x, x, x, weight, 1e-5});
}

TEST(MetaShapes, S4dKernelAndLongConv) {
  const at::Tensor log_dt = random({6}), modes = random({6, 4}), C = random({6, 4, 2});
  check("s4d_kernel", {log_dt, modes, modes, C, 13});
  check("s4d_kernel_backward", {random({6, 13}), log_dt, modes, modes, C});
  const at::Tensor u = random({2, 13, 6}), k = random({6, 13});
  check("long_conv", {u, k, random({6})});
  check("long_conv_backward", {u, u, k, random({6})});
  check("long_conv_backward", {u, u, k, c10::IValue()});
}

// Gradients are planned through the whole operator, too.
TEST(MetaShapes, GradientsThroughAnOperator) {
  const auto leaf = [](at::IntArrayRef shape) {
    return at::empty(shape, at::TensorOptions(at::kMeta)).requires_grad_(true);
  };
  const at::Tensor q = leaf({2, 11, 1, 4}), v = leaf({2, 11, 3, 5}), decay = leaf({2, 11, 3});
  const auto [y, state] = delta_rule(q, q, v, decay);
  (y.sum() + state.sum()).backward();
  for (const at::Tensor& x : {q, v, decay}) EXPECT_EQ(x.grad().sizes(), x.sizes());
}

}  // namespace
}  // namespace icl
