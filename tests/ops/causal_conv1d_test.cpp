// SPDX-License-Identifier: Apache-2.0
#include "icl/ops/causal_conv1d.h"

#include "tests/ops/operator_check.h"

namespace icl {
namespace {

using namespace testing;  // NOLINT: the checks of every operator

std::optional<at::Tensor> optional(const at::Tensor& tensor) {
  return tensor.defined() ? std::optional<at::Tensor>(tensor) : std::nullopt;
}

// Inputs x weight bias initial_state.
Operator conv(bool silu) {
  return {.name = "causal_conv1d",
          .inputs = {"x", "weight", "bias", "initial_state"},
          .outputs = {"y"},
          .fast =
              [silu](const Tensors& in) {
                return Tensors{causal_conv1d(in[0], in[1], optional(in[2]), silu, optional(in[3]))};
              },
          .reference =
              [silu](const Tensors& in) {
                return Tensors{
                    causal_conv1d_reference(in[0], in[1], optional(in[2]), silu, optional(in[3]))};
              }};
}

Tensors make(int64_t batch, int64_t length, int64_t width, int64_t taps) {
  at::manual_seed(static_cast<uint64_t>(batch + 10 * length + 100 * width + 1000 * taps));
  return {normal({batch, length, width}), normal({width, taps}), normal({width}),
          normal({batch, taps - 1, width})};
}

TEST(CausalConv1d, ByHand) {
  const at::Tensor x = at::tensor({1.0, 10.0, 100.0}, at::kDouble).view({1, 3, 1});
  const at::Tensor weight = at::tensor({2.0, 3.0}, at::kDouble).view({1, 2});
  const at::Tensor before = at::tensor({5.0}, at::kDouble).view({1, 1, 1});
  const at::Tensor bias = at::tensor({0.5}, at::kDouble);
  const auto expect = [](const at::Tensor& y, std::vector<double> values) {
    EXPECT_TRUE(at::equal(y.flatten(), at::tensor(values, at::kDouble))) << y;
  };
  expect(causal_conv1d(x, weight), {3, 32, 320});
  expect(causal_conv1d(x, weight, bias, false, before), {13.5, 32.5, 320.5});
  const double y = causal_conv1d(x, weight, bias, true, before)[0][0][0].item<double>();
  EXPECT_NEAR(y, 13.5 / (1 + std::exp(-13.5)), 1e-13);
}

TEST(CausalConv1d, ValuesAndGradientsAtEveryLength) {
  for (const int64_t length : kLengths) {
    check_against_reference(conv(true), make(2, length, 5, 4), str("L=", length));
  }
  for (const int64_t length : kGreatLengths) {
    check_against_reference(conv(true), make(1, length, 3, 4), str("L=", length));
  }
}

TEST(CausalConv1d, EveryWidthAndNumberOfTaps) {
  for (const int64_t width : kWidths) {
    check_against_reference(conv(true), make(2, 7, width, 4), str("I=", width));
  }
  for (const int64_t taps : {1, 2, 3, 5, 33, 64}) {
    check_against_reference(conv(true), make(2, 40, 5, taps), str("W=", taps));
    check_against_reference(conv(false), make(2, 3, 5, taps), str("L=3, W=", taps));
  }
}

TEST(CausalConv1d, OptionalArgumentsMayBeAbsent) {
  for (const int mask : {0, 1, 2}) {
    Tensors inputs = make(2, 37, 6, 4);
    if ((mask & 1) == 0) inputs[2] = at::Tensor();
    if ((mask & 2) == 0) inputs[3] = at::Tensor();
    check_against_reference(conv(mask == 1), inputs, str("optional arguments ", mask));
  }
}

TEST(CausalConv1d, EmptyBatchAndEmptySequence) {
  check_against_reference(conv(true), make(0, 5, 3, 4), "B=0");
  check_against_reference(conv(true), make(2, 0, 3, 4), "L=0");
}

TEST(CausalConv1d, Gradcheck) {
  gradcheck(conv(true).fast, make(2, 3, 2, 4));
  gradcheck(conv(true).fast, make(1, 35, 1, 3));
}

TEST(CausalConv1d, SplitAnywhereEqualsOnePass) {
  const Tensors in = make(2, 70, 5, 4);
  const at::Tensor whole = conv(true).fast(in)[0];
  for (const int64_t cut : {3, 31, 32, 33, 69}) {
    const auto part = [&](int64_t from, int64_t to, const at::Tensor& state) {
      return conv(true).fast({in[0].slice(1, from, to), in[1], in[2], state})[0];
    };
    const at::Tensor parts =
        at::cat({part(0, cut, in[3]), part(cut, 70, in[0].slice(1, cut - 3, cut))}, 1);
    EXPECT_TRUE(at::equal(parts, whole)) << cut;
  }
}

TEST(CausalConv1d, SameBitsForAnyThreadsAndNeighbours) {
  check_same_bits(conv(true), make(5, 41, 130, 4));
  check_same_bits_in_any_batch(conv(true), make(5, 41, 130, 4), {0, 3});
}

TEST(CausalConv1d, StridedArgumentsGiveTheSame) {
  const Tensors in = make(2, 9, 4, 4);
  check_strided(conv(true), in);
  const at::Tensor slice = at::cat({in[0], in[0] + 1}, 2).slice(2, 0, 4);
  EXPECT_TRUE(at::equal(conv(true).fast({slice, in[1], in[2], in[3]})[0], conv(true).fast(in)[0]));
}

TEST(CausalConv1d, RefusesASecondDerivativeAndNamesTheReference) {
  check_second_derivative_is_refused(conv(true), make(1, 3, 2, 2));
}

TEST(CausalConv1d, NamesTheArgumentThatDoesNotFit) {
  const at::Tensor x = at::zeros({2, 3, 4});
  expect_refused(
      [&] {
        causal_conv1d(x, at::zeros({5, 4}));
      },
      {"causal_conv1d", "weight is", "[5, 4]", "[4"});
  expect_refused([&] { causal_conv1d(x, at::zeros({4, 65})); }, {"weight is", "1 to 64 taps"});
  expect_refused([&] { causal_conv1d(x, at::zeros({4, 4}, at::kDouble)); }, {"weight", "float64"});
  expect_refused(
      [&] {
        causal_conv1d(x, at::zeros({4, 4}), {}, false, at::zeros({2, 4, 4}));
      },
      {"initial_state is [2, 4, 4]", "[2, 3, 4]"});
  expect_refused(
      [&] {
        causal_conv1d(x.to(at::kHalf), at::zeros({4, 4}));
      },
      {"x is", "on the CPU all arguments must be float32"});
  expect_refused([&] { causal_conv1d(x, at::zeros({4, 4}, at::kMeta)); }, {"weight", "meta"});
}

TEST(CausalConv1d, ShapesWithoutData) {
  const at::Tensor y = causal_conv1d(at::empty({2, 3, 4}, at::kMeta), at::empty({4, 4}, at::kMeta));
  EXPECT_EQ(y.sizes(), (std::vector<int64_t>{2, 3, 4}));
  EXPECT_TRUE(y.is_meta());
}

}  // namespace
}  // namespace icl
