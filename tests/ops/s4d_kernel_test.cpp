// SPDX-License-Identifier: Apache-2.0
#include "icl/ops/s4d_kernel.h"

#include <complex>

#include "tests/ops/operator_check.h"

namespace icl {
namespace {

using namespace testing;  // NOLINT: the checks of every operator

Operator kernel(int64_t length) {
  return {.name = "s4d_kernel",
          .inputs = {"log_dt", "log_A_real", "A_imag", "C"},
          .outputs = {"k"},
          .fast =
              [length](const Tensors& in) {
                return Tensors{s4d_kernel(in[0], in[1], in[2], in[3], length)};
              },
          .reference =
              [length](const Tensors& in) {
                return Tensors{s4d_kernel_reference(in[0], in[1], in[2], in[3], length)};
              },
          .forward_bound = 1e-5,
          .gradient_bound = 5e-5,
          .double_bound = 1e-11};  // the reference's e^s - 1 cancels for small steps
}

// As the model begins: steps of 0.001 to 0.1, A = -1/2 + i pi n, disturbed a little.
Tensors make(int64_t channels, int64_t modes) {
  at::manual_seed(static_cast<uint64_t>(channels + 100 * modes));
  return {at::rand({channels}, at::kDouble) * std::log(100) + std::log(0.001),
          std::log(0.5) + 0.1 * normal({channels, modes}),
          M_PI * at::arange(modes, at::kDouble) + 0.1 * normal({channels, modes}),
          normal({channels, modes, 2})};
}

TEST(S4dKernel, ByHand) {
  const auto scalar = [](double value, at::IntArrayRef shape) {
    return at::full(shape, value, at::kDouble);
  };
  const at::Tensor C = at::tensor({3.0, -2.0}, at::kDouble).view({1, 1, 2});
  const at::Tensor k = s4d_kernel(scalar(std::log(0.2), {1}), scalar(std::log(0.5), {1, 1}),
                                  scalar(4, {1, 1}), C, 3);
  const std::complex<double> A(-0.5, 4);
  const std::complex<double> weight = std::complex<double>(3, -2) * (std::exp(0.2 * A) - 1.0) / A;
  for (int l = 0; l < 3; ++l) {
    EXPECT_NEAR(k[0][l].item<double>(), 2 * (weight * std::exp(0.2 * A * double(l))).real(), 1e-14);
  }
}

TEST(S4dKernel, ValuesAndGradientsAtEveryLength) {
  for (const int64_t length : kLengths) {
    check_against_reference(kernel(length), make(3, 32), str("L=", length));
  }
  for (const int64_t length : kGreatLengths) {
    check_against_reference(kernel(length), make(2, 3), str("L=", length));
  }
}

TEST(S4dKernel, EveryNumberOfModesAndChannels) {
  for (const int64_t modes : {1, 2, 7, 8, 16, 128}) {
    check_against_reference(kernel(41), make(3, modes), str("modes=", modes));
  }
  for (const int64_t channels : {1, 17, 65}) {
    check_against_reference(kernel(41), make(channels, 4), str("H=", channels));
  }
}

TEST(S4dKernel, NoLengthAndNoChannels) {
  EXPECT_EQ(kernel(0).fast(make(3, 2))[0].sizes(), (std::vector<int64_t>{3, 0}));
  check_against_reference(kernel(5), make(0, 2), "H=0");
}

TEST(S4dKernel, FastAndSlowDecay) {
  for (const double offset : {-20.0, 5.0, 20.0}) {
    Tensors inputs = make(3, 4);
    inputs[1] += offset;
    check_against_reference(kernel(41), inputs, str("log_A_real + ", offset));
  }
}

TEST(S4dKernel, Gradcheck) {
  gradcheck(kernel(5).fast, make(2, 3));
}

TEST(S4dKernel, SameBitsForAnyNumberOfThreads) {
  check_same_bits(kernel(300), make(65, 8));
}

TEST(S4dKernel, StridedArgumentsGiveTheSame) {
  check_strided(kernel(9), make(3, 4));
}

TEST(S4dKernel, RefusesASecondDerivativeAndNamesTheReference) {
  check_second_derivative_is_refused(kernel(3), make(1, 2));
}

TEST(S4dKernel, NamesTheArgumentThatDoesNotFit) {
  const at::Tensor dt = at::zeros({3}), A = at::zeros({3, 2}), C = at::zeros({3, 2, 2});
  expect_refused(
      [&] {
        s4d_kernel(dt, A, at::zeros({3, 5}), C, 4);
      },
      {"s4d_kernel", "A_imag is [3, 5]", "[3, 2]"});
  expect_refused([&] { s4d_kernel(dt, A, A, A, 4); }, {"C is [3, 2]", "[3, 2, 2]"});
  expect_refused([&] { s4d_kernel(dt, A, A, C, -1); }, {"L is -1"});
  expect_refused([&] { s4d_kernel(dt.to(at::kHalf), A, A, C, 4); },
                 {"log_dt", "float32 or float64"});
}

TEST(S4dKernel, ShapesWithoutData) {
  const auto meta = [](at::IntArrayRef shape) { return at::empty(shape, at::kMeta); };
  EXPECT_EQ(s4d_kernel(meta({3}), meta({3, 2}), meta({3, 2}), meta({3, 2, 2}), 7).sizes(),
            (std::vector<int64_t>{3, 7}));
}

}  // namespace
}  // namespace icl
