// SPDX-License-Identifier: Apache-2.0
#include "icl/base/error.h"
#include "icl/ops/selective_scan.h"
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

class CudaSelectiveScan : public testing::OnKernels {};

// Arguments in the operator's order: u delta A B C D z delta_bias initial_state.
KernelCase scan_case(int64_t batch, int64_t length, int64_t width, int64_t n_state) {
  at::manual_seed(static_cast<uint64_t>(batch + 10 * length + 100 * width + 1000 * n_state));
  const auto normal = [](at::IntArrayRef shape) { return at::randn(shape, at::kDouble); };
  KernelCase c;
  c.name = str("B=", batch, " L=", length, " I=", width, " N=", n_state);
  c.inputs = {normal({batch, length, width}),
              normal({batch, length, width}) * 0.5 - 1,
              -at::rand({width, n_state}, at::kDouble) * 4 - 0.1,
              normal({batch, length, n_state}),
              normal({batch, length, n_state}),
              normal({width}),
              normal({batch, length, width}),
              normal({width}) * 0.5,
              normal({batch, width, n_state})};
  c.wide_inputs = {false, false, true, false, false, true, false, true, true};
  c.wide_outputs = {false, true};
  c.has_exponentials = true;
  c.reference = [](const Tensors& in) -> Tensors {
    const auto [y, state] = selective_scan_reference(in[0], in[1], in[2], in[3], in[4], in[5],
                                                     in[6], in[7], true, in[8]);
    return {y, state};
  };
  c.forward = [](const Tensors& in) {
    return call("selective_scan_forward",
                {in[0], in[1], in[2], in[3], in[4], optional(in[5]), optional(in[6]),
                 optional(in[7]), true, optional(in[8]), true});
  };
  c.backward = [](const Tensors& in, const Tensors& out, const Tensors& slopes) {
    return call("selective_scan_backward",
                {slopes[0], optional(slopes[1]), in[0], in[1], in[2], in[3], in[4], optional(in[5]),
                 optional(in[6]), optional(in[7]), true, optional(in[8]), out[2]});
  };
  return c;
}

bool emulated() {
  return kernel_device().emulated;
}
bool small() {
  return kernel_device().small;
}

std::vector<int64_t> lengths() {
  if (small()) return {1, 2, 3, 41, 81, 82, 201, 257};
  return {1, 2, 3, 41, 81, 82, 201, 255, 257, 2047, 2049, 10007};
}

TEST_F(CudaSelectiveScan, ValuesAndGradientsAtEveryLength) {
  for (const int64_t length : lengths()) {
    // The norm of a few elements' errors is a matter of luck: where this costs little there are
    // more.
    check_kernels(scan_case(length < 1000 ? 2 : 1, length, emulated() ? 5 : 37, 4), at::kFloat);
  }
  check_kernels(scan_case(1, small() ? 290 : 2049, 3, 16), at::kFloat);  // cut in time
}

TEST_F(CudaSelectiveScan, EveryStateSizeAndUnevenWidths) {
  for (const int64_t n_state : {1, 4, 7, 8, 16, 32, 64, 256}) {
    check_kernels(scan_case(1, 19, 9, n_state), at::kFloat);
    if (emulated() && n_state > 16) continue;
    // Channels enough for a thread to take a whole one (a GPU needs more of them than the host).
    check_kernels(scan_case(emulated() ? 8 : 256, 11, emulated() ? 9 : 129, n_state), at::kFloat);
  }
  for (const int64_t width : {1, 31, 33, 127, 129}) {
    check_kernels(scan_case(2, 5, width, 3), at::kFloat);
  }
}

TEST_F(CudaSelectiveScan, SizesOfTheField) {
  for (const int64_t length : {82, 202}) {
    KernelCase c =
        scan_case(emulated() ? 7 : 64, emulated() ? 42 : length, emulated() ? 37 : 512, 16);
    c.reference_on_device = true;
    check_kernels(c, at::kFloat);
    if (emulated()) break;
  }
}

TEST_F(CudaSelectiveScan, OtherTypes) {
  for (const auto type : {at::kDouble, at::kHalf, at::kBFloat16}) {
    check_kernels(scan_case(2, 41, 5, 16), type);
    check_kernels(scan_case(8, 10, 33, 7), type);
    check_kernels(scan_case(1, 17, 3, 20), type);
  }
  check_kernels(scan_case(1, small() ? 290 : 2049, 3, 5), at::kDouble);
  for (const auto type : {at::kHalf, at::kBFloat16}) {  // cut in time
    for (const int64_t n_state : {5, 20}) check_kernels(scan_case(1, 700, 3, n_state), type);
  }
  // A thread to a channel.
  const int64_t batch = emulated() ? 8 : 256, width = emulated() ? 33 : 129;
  for (const auto type : {at::kDouble, at::kHalf, at::kBFloat16}) {
    for (const int64_t n_state : {3, 7, 16}) {
      check_kernels(scan_case(batch, 10, width, n_state), type);
    }
  }
}

TEST_F(CudaSelectiveScan, ExtremeStepSizes) {
  for (const double offset : {-100.0, 0.0, 19.999, 20.001, 300.0}) {
    KernelCase c = scan_case(1, 17, 9, 4);
    c.inputs[1] = at::full_like(c.inputs[1], offset);
    c.inputs[7].zero_();
    check_kernels(c, at::kFloat);
  }
}

TEST_F(CudaSelectiveScan, EmptySizes) {
  check_kernels(scan_case(0, 5, 3, 2), at::kFloat);
  check_kernels(scan_case(2, 0, 3, 2), at::kFloat);
  check_kernels(scan_case(2, 5, 0, 2), at::kFloat);
}

TEST_F(CudaSelectiveScan, OptionalArgumentsMayBeAbsent) {
  for (int absent = 0; absent < 16; ++absent) {
    KernelCase c = scan_case(2, 13, 6, 3);
    for (int bit = 0; bit < 4; ++bit) {
      if ((absent >> bit & 1) != 0) c.inputs[5 + bit] = at::Tensor();
    }
    c.name += str(" absent ", absent);
    check_kernels(c, at::kFloat);
  }
}

TEST_F(CudaSelectiveScan, Gradcheck) {
  gradcheck_kernels(scan_case(1, 3, 2, 3));
  gradcheck_kernels(scan_case(1, 9, 1, 1));
}

TEST_F(CudaSelectiveScan, SameBytesFiveTimes) {
  check_repeats(scan_case(3, 41, 130, 5), at::kFloat);
  check_repeats(scan_case(1, small() ? 290 : 10007, 5, 16), at::kFloat);
  check_repeats(scan_case(2, 9, 33, 7), at::kBFloat16);
}

TEST_F(CudaSelectiveScan, SplitAnywhereEqualsOnePass) {
  const KernelCase c = scan_case(2, 70, 5, 4);
  const Tensors in = inputs_on_device(c);
  const Tensors whole = c.forward(in);
  for (const int64_t cut : {1, 31, 32, 33, 69}) {
    const auto part = [&](int64_t from, int64_t to, const at::Tensor& state) {
      Tensors piece = in;
      for (const size_t i : {0, 1, 3, 4, 6}) piece[i] = in[i].slice(1, from, to);
      piece[8] = state;
      return c.forward(piece);
    };
    const Tensors first = part(0, cut, in[8]), second = part(cut, 70, first[1]);
    EXPECT_LE(testing::relative_error(at::cat({first[0], second[0]}, 1), whole[0]), 1e-14);
    EXPECT_LE(testing::relative_error(second[1], whole[1]), 1e-14);
  }
}

// As a model gives them: B and C sliced from one projection, z from another, A a view that starts
// where no vector read may.
TEST_F(CudaSelectiveScan, StridedAndUnalignedArguments) {
  const KernelCase plain = scan_case(2, 9, 5, 4);
  KernelCase viewed = plain;
  viewed.forward = [&](const Tensors& in) {
    Tensors v = in;
    const at::Tensor projected = at::cat({at::zeros_like(in[0]), in[3], in[4]}, 2);
    v[3] = projected.slice(2, 5, 9), v[4] = projected.slice(2, 9, 13);
    v[6] = at::cat({in[0], in[6]}, 2).slice(2, 5);
    v[2] = at::cat({at::zeros({1}, in[2].options()), in[2].reshape({-1})}).slice(0, 1).view({5, 4});
    Tensors out = plain.forward(v);
    const Tensors gradients = plain.backward(v, out, {out[0], v[8]});
    const Tensors expected = plain.backward(in, plain.forward(in), {out[0], in[8]});
    for (size_t i = 0; i < expected.size(); ++i) EXPECT_TRUE(at::equal(gradients[i], expected[i]));
    return out;
  };
  check_kernels(viewed, at::kFloat);
}

TEST_F(CudaSelectiveScan, RefusesMoreStepsThanABlockCounts) {
  const KernelCase c = scan_case(1, 1, 1, 1);
  Tensors in = inputs_on_device(c);
  for (const size_t i : {0, 1, 3, 4, 6}) in[i] = in[i].expand({1, (int64_t{1} << 30) + 1, 1});
  try {
    c.forward(in);
    ADD_FAILURE() << "accepted";
  } catch (const std::exception& error) {
    EXPECT_NE(std::string(error.what()).find("at most 1073741824 steps"), std::string::npos)
        << error.what();
  }
}

TEST_F(CudaSelectiveScan, DifferentiatesThroughTheOperator) {
  check_operator(scan_case(2, 21, 5, 4), [](const Tensors& in) -> Tensors {
    const auto [y, state] =
        selective_scan(in[0], in[1], in[2], in[3], in[4], in[5], in[6], in[7], true, in[8]);
    return {y, state};
  });
}

}  // namespace
}  // namespace icl
