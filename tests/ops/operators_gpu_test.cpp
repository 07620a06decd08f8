// SPDX-License-Identifier: Apache-2.0
//
// CUDA kernels of every operator but the scan.
#include "icl/base/error.h"
#include "icl/ops/add_rms_norm.h"
#include "icl/ops/causal_conv1d.h"
#include "icl/ops/long_conv.h"
#include "icl/ops/s4d_kernel.h"
#include "icl/ops/wkv.h"
#include "tests/ops/kernel_case.h"
#include "tests/support/compare.h"

namespace icl {
namespace {

using testing::call;
using testing::check_kernels;
using testing::inputs_on_device;
using testing::kernel_device;
using testing::KernelCase;
using testing::optional;
using testing::Tensors;

class CudaOperators : public testing::OnKernels {};

// The long ones take the host's emulation, or a sanitizer, too long.
std::vector<int64_t> lengths() {
  if (kernel_device().small) return {1, 2, 3, 41, 81, 82, 201};
  return {1, 2, 3, 41, 81, 82, 201, 255, 257, 2047, 2049, 10007};
}

// Channels beside them. The norm of a few elements' errors is a matter of luck: where this costs
// little there are more.
int64_t channels() {
  return kernel_device().emulated ? 5 : 37;
}

at::Tensor normal(at::IntArrayRef shape) {
  return at::randn(shape, at::kDouble);
}

void seed(std::initializer_list<int64_t> sizes) {
  uint64_t value = 1;
  for (const int64_t size : sizes) value = 31 * value + static_cast<uint64_t>(size);
  at::manual_seed(value);
}

// x weight bias initial_state
KernelCase conv_case(int64_t batch, int64_t length, int64_t width, int64_t taps, bool silu) {
  seed({batch, length, width, taps});
  KernelCase c;
  c.name = str("B=", batch, " L=", length, " I=", width, " taps=", taps, " silu=", silu);
  c.inputs = {normal({batch, length, width}), normal({width, taps}), normal({width}),
              normal({batch, taps - 1, width})};
  c.wide_inputs = {false, true, true, false};
  c.wide_outputs = {false};
  c.has_exponentials = silu;
  c.reference = [=](const Tensors& in) -> Tensors {
    return {causal_conv1d_reference(in[0], in[1], in[2], silu, in[3])};
  };
  c.forward = [=](const Tensors& in) {
    return call("causal_conv1d", {in[0], in[1], optional(in[2]), silu, optional(in[3])});
  };
  c.backward = [=](const Tensors& in, const Tensors&, const Tensors& slopes) {
    return call("causal_conv1d_backward",
                {slopes[0], in[0], in[1], optional(in[2]), silu, optional(in[3])});
  };
  return c;
}

TEST_F(CudaOperators, CausalConv1d) {
  for (const int64_t length : lengths()) {
    check_kernels(conv_case(2, length, channels(), 4, true), at::kFloat);
  }
  for (const int64_t taps : {1, 2, 3, 5, 16, 17, 64}) {
    check_kernels(conv_case(2, 35, 3, taps, taps % 2 == 0), at::kFloat);
  }
  for (const int64_t width : {1, 127, 129}) {
    check_kernels(conv_case(1, 9, width, 4, true), at::kFloat);
  }
  for (const auto type : {at::kDouble, at::kHalf, at::kBFloat16}) {
    check_kernels(conv_case(2, 19, 5, 4, true), type);
  }
  check_kernels(conv_case(0, 5, 3, 4, true), at::kFloat);
  check_kernels(conv_case(2, 0, 3, 4, true), at::kFloat);
  KernelCase bare = conv_case(2, 41, 3, 4, true);
  bare.inputs[2] = bare.inputs[3] = at::Tensor();
  check_kernels(bare, at::kFloat);
  gradcheck_kernels(conv_case(1, 4, 2, 3, true));
  check_repeats(conv_case(3, 41, 130, 4, true), at::kFloat);
}

// x residual weight
KernelCase norm_case(std::vector<int64_t> shape, int64_t width, bool with_residual) {
  seed({shape[0], width});
  shape.push_back(width);
  KernelCase c;
  c.name = c10::str("shape ", at::IntArrayRef(shape), " residual=", with_residual);
  c.inputs = {normal(shape), with_residual ? normal(shape) : at::Tensor(), normal({width})};
  c.wide_inputs = {false, true, true};
  c.wide_outputs = {false, true};
  c.reference = [](const Tensors& in) -> Tensors {
    const auto [normed, sum] = add_rms_norm_reference(in[0], in[1], in[2], 1e-5);
    return {normed, sum};
  };
  c.forward = [](const Tensors& in) {
    return call("add_rms_norm", {in[0], optional(in[1]), in[2], 1e-5});
  };
  c.backward = [](const Tensors& in, const Tensors& out, const Tensors& slopes) -> Tensors {
    const Tensors both = call("add_rms_norm_backward", {slopes[0], slopes[1], out[1], in[2], 1e-5});
    return {both[0].to(in[0].scalar_type()), in[1].defined() ? both[0] : at::Tensor(), both[1]};
  };
  return c;
}

TEST_F(CudaOperators, AddRmsNorm) {
  for (const int64_t width : {1, 2, 31, 32, 33, 130, 768}) {
    check_kernels(norm_case({5}, width, true), at::kFloat);
    check_kernels(norm_case({2, 3}, width, false), at::kFloat);
  }
  for (const int64_t rows : {1, 63, 64, 65}) check_kernels(norm_case({rows}, 7, true), at::kFloat);
  for (const auto type : {at::kDouble, at::kHalf, at::kBFloat16}) {
    check_kernels(norm_case({4}, 33, true), type);
  }
  check_kernels(norm_case({0}, 7, true), at::kFloat);
  gradcheck_kernels(norm_case({2}, 3, true));
  check_repeats(norm_case({300}, 65, true), at::kFloat);
}

// decay bonus k v state
KernelCase wkv_case(int64_t batch, int64_t length, int64_t width, bool with_state) {
  seed({batch, length, width});
  KernelCase c;
  c.name = str("B=", batch, " L=", length, " C=", width, " state=", with_state);
  c.inputs = {-at::rand({width}, at::kDouble) * 2 - 0.05, normal({width}),
              normal({batch, length, width}) * 2, normal({batch, length, width}),
              with_state ? at::rand({batch, 3, width}, at::kDouble) + 0.5 : at::Tensor()};
  c.wide_inputs = {true, true, false, false, true};
  c.wide_outputs = {false, true};
  c.has_exponentials = true;
  c.reference = [](const Tensors& in) -> Tensors {
    const auto [y, state] = wkv_reference(in[0], in[1], in[2], in[3], in[4]);
    return {y, state};
  };
  c.forward = [](const Tensors& in) {
    return call("wkv_forward", {in[0], in[1], in[2], in[3], optional(in[4]), true});
  };
  c.backward = [](const Tensors& in, const Tensors& out, const Tensors& slopes) {
    return call("wkv_backward",
                {slopes[0], slopes[1], in[0], in[1], in[2], in[3], optional(in[4]), out[2]});
  };
  c.gradient_bound = 1e-5;
  return c;
}

TEST_F(CudaOperators, Wkv) {
  for (const int64_t length : lengths()) {
    check_kernels(wkv_case(2, length, 37, true), at::kFloat);
    check_kernels(wkv_case(1, length, 40, false), at::kFloat);
  }
  for (const int64_t width : {1, 63, 65, 256}) {
    check_kernels(wkv_case(1, 11, width, true), at::kFloat);
  }
  for (const auto type : {at::kDouble, at::kHalf, at::kBFloat16}) {
    check_kernels(wkv_case(2, 19, 5, true), type);
  }
  check_kernels(wkv_case(0, 5, 3, true), at::kFloat);
  check_kernels(wkv_case(2, 0, 3, true), at::kFloat);
  gradcheck_kernels(wkv_case(1, 5, 2, true));
  check_repeats(wkv_case(3, 41, 65, true), at::kFloat);
}

TEST_F(CudaOperators, WkvSplitAnywhereEqualsOnePass) {
  const KernelCase c = wkv_case(2, 20, 5, true);
  const Tensors in = inputs_on_device(c);
  const Tensors whole = c.forward(in);
  for (const int64_t cut : {1, 8, 13}) {
    const auto part = [&](int64_t from, int64_t to, const at::Tensor& state) {
      return c.forward({in[0], in[1], in[2].slice(1, from, to), in[3].slice(1, from, to), state});
    };
    const Tensors first = part(0, cut, in[4]), second = part(cut, 20, first[1]);
    EXPECT_TRUE(at::equal(at::cat({first[0], second[0]}, 1), whole[0]));
    EXPECT_TRUE(at::equal(second[1], whole[1]));
  }
}

// log_dt log_A_real A_imag C
KernelCase s4d_case(int64_t channels, int64_t modes, int64_t length) {
  seed({channels, modes, length});
  KernelCase c;
  c.name = str("H=", channels, " modes=", modes, " L=", length);
  c.inputs = {at::rand({channels}, at::kDouble) * 4.6 - 6.9,
              at::rand({channels, modes}, at::kDouble) - 1,
              at::rand({channels, modes}, at::kDouble) +
                  3.14159 * at::arange(modes, at::kDouble).expand({channels, modes}),
              normal({channels, modes, 2})};
  c.wide_inputs = {true, true, true, true};
  c.wide_outputs = {true};
  c.reference = [=](const Tensors& in) -> Tensors {
    return {s4d_kernel_reference(in[0], in[1], in[2], in[3], length)};
  };
  c.forward = [=](const Tensors& in) {
    return call("s4d_kernel", {in[0], in[1], in[2], in[3], length});
  };
  c.backward = [](const Tensors& in, const Tensors&, const Tensors& slopes) {
    return call("s4d_kernel_backward", {slopes[0], in[0], in[1], in[2], in[3]});
  };
  c.forward_bound = 1e-5, c.gradient_bound = 5e-5;
  return c;
}

TEST_F(CudaOperators, S4dKernel) {
  for (const int64_t length : lengths()) check_kernels(s4d_case(channels(), 4, length), at::kFloat);
  for (const int64_t modes : {1, 32, 64, 65}) check_kernels(s4d_case(2, modes, 41), at::kFloat);
  check_kernels(s4d_case(3, 5, 41), at::kDouble);
  check_kernels(s4d_case(0, 4, 41), at::kFloat);
  gradcheck_kernels(s4d_case(2, 2, 5));
  check_repeats(s4d_case(5, 32, 82), at::kFloat);
}

// u k D
KernelCase long_conv_case(int64_t batch, int64_t length, int64_t channels, bool with_D) {
  seed({batch, length, channels});
  KernelCase c;
  c.name = str("B=", batch, " L=", length, " H=", channels, " D=", with_D);
  c.inputs = {normal({batch, length, channels}), normal({channels, length}),
              with_D ? normal({channels}) : at::Tensor()};
  c.wide_inputs = {false, true, true};
  c.wide_outputs = {false};
  c.reference = [](const Tensors& in) -> Tensors {
    return {long_conv_reference(in[0], in[1], in[2])};
  };
  c.forward = [](const Tensors& in) { return call("long_conv", {in[0], in[1], optional(in[2])}); };
  c.backward = [](const Tensors& in, const Tensors&, const Tensors& slopes) {
    return call("long_conv_backward", {slopes[0], in[0], in[1], optional(in[2])});
  };
  return c;
}

TEST_F(CudaOperators, LongConv) {
  for (const int64_t length : lengths()) {
    check_kernels(long_conv_case(2, length, channels(), true), at::kFloat);
  }
  for (const int64_t length : {7, 8, 9, 33}) {
    check_kernels(long_conv_case(5, length, 33, false), at::kFloat);
  }
  check_kernels(long_conv_case(2, 257, 3, true), at::kFloat);  // by transforms
  check_kernels(long_conv_case(2, 301, 3, false), at::kBFloat16);
  check_kernels(long_conv_case(2, 129, 3, true), at::kDouble);
  for (const auto type : {at::kDouble, at::kHalf, at::kBFloat16}) {
    check_kernels(long_conv_case(2, 19, 5, true), type);
  }
  check_kernels(long_conv_case(0, 5, 3, true), at::kFloat);
  gradcheck_kernels(long_conv_case(2, 5, 2, true));
  check_repeats(long_conv_case(9, 82, 33, true), at::kFloat);
  check_repeats(long_conv_case(3, 300, 33, true), at::kFloat);
}

TEST_F(CudaOperators, DifferentiateThroughTheDispatcher) {
  check_operator(conv_case(2, 9, 5, 4, true), [](const Tensors& in) -> Tensors {
    return {causal_conv1d(in[0], in[1], in[2], true, in[3])};
  });
  check_operator(norm_case({4}, 33, true), [](const Tensors& in) -> Tensors {
    const auto [normed, sum] = add_rms_norm(in[0], in[1], in[2], 1e-5);
    return {normed, sum};
  });
  check_operator(wkv_case(2, 9, 5, true), [](const Tensors& in) -> Tensors {
    const auto [y, state] = wkv(in[0], in[1], in[2], in[3], in[4]);
    return {y, state};
  });
  check_operator(s4d_case(3, 4, 21), [](const Tensors& in) -> Tensors {
    return {s4d_kernel(in[0], in[1], in[2], in[3], 21)};
  });
  check_operator(long_conv_case(2, 21, 5, true),
                 [](const Tensors& in) -> Tensors { return {long_conv(in[0], in[1], in[2])}; });
}

}  // namespace
}  // namespace icl
