// SPDX-License-Identifier: Apache-2.0
#include "icl/ops/wkv.h"

#include "tests/ops/operator_check.h"

namespace icl {
namespace {

using namespace testing;  // NOLINT: the checks of every operator

template <class Function>
TensorFunction run(const Function& function) {
  return [function](const Tensors& in) {
    const auto [y, state] =
        function(in[0], in[1], in[2], in[3],
                 in[4].defined() ? std::optional<at::Tensor>(in[4]) : std::nullopt);
    return Tensors{y, state};
  };
}

const Operator kWkv{.name = "wkv",
                    .inputs = {"decay", "bonus", "k", "v", "state"},
                    .outputs = {"y", "state"},
                    .fast = run(wkv),
                    .reference = run(wkv_reference),
                    .gradient_bound = 1e-5};

Tensors make(int64_t batch, int64_t length, int64_t width) {
  at::manual_seed(static_cast<uint64_t>(batch + 10 * length + 100 * width));
  const at::Tensor state = normal({batch, 3, width});
  state.select(1, 1).copy_(state.select(1, 1).abs() + 0.5);  // a sum of positive weights
  return {-normal({width}).exp(), normal({width}), normal({batch, length, width}),
          normal({batch, length, width}), state};
}

TEST(Wkv, TwoStepsByHand) {
  const auto scalar = [](double value, at::IntArrayRef shape) {
    return at::full(shape, value, at::kDouble);
  };
  const at::Tensor k = at::tensor({0.3, -0.2}, at::kDouble).view({1, 2, 1});
  const at::Tensor v = at::tensor({5.0, 7.0}, at::kDouble).view({1, 2, 1});
  const auto [y, state] = wkv(scalar(-0.5, {1}), scalar(0.1, {1}), k, v);
  EXPECT_NEAR(y[0][0][0].item<double>(), 5, 1e-15);  // its own value alone
  const double past = std::exp(0.3), here = std::exp(0.1 - 0.2);
  EXPECT_NEAR(y[0][1][0].item<double>(), (5 * past + 7 * here) / (past + here), 1e-14);
  // The state in units of e^maximum.
  const double maximum = state[0][2][0].item<double>();
  EXPECT_NEAR(maximum, -0.2, 1e-15);
  EXPECT_NEAR(state[0][0][0].item<double>() * std::exp(maximum),
              5 * std::exp(0.3 - 0.5) + 7 * std::exp(-0.2), 1e-14);
  EXPECT_NEAR(state[0][1][0].item<double>() * std::exp(maximum),
              std::exp(0.3 - 0.5) + std::exp(-0.2), 1e-14);
}

TEST(Wkv, ValuesAndGradientsAtEveryLength) {
  for (const int64_t length : kLengths) {
    check_against_reference(kWkv, make(2, length, 5), str("L=", length));
  }
}

TEST(Wkv, GreatLengths) {
  for (const int64_t length : {2047, 2049}) {
    check_against_reference(kWkv, make(1, length, 2), str("L=", length));
  }
}

// The gradients of decay and bonus of one channel are single numbers, whose last digits are luck:
// that width is covered by Gradcheck.
TEST(Wkv, EveryWidth) {
  for (const int64_t width : kWidths) {
    if (width == 1) continue;
    check_against_reference(kWkv, make(4, 34, width), str("C=", width));
  }
}

TEST(Wkv, WithoutAState) {
  Tensors inputs = make(2, 37, 6);
  inputs[4] = at::Tensor();
  check_against_reference(kWkv, inputs, "no state");
}

TEST(Wkv, EmptyBatchAndEmptySequence) {
  check_against_reference(kWkv, make(0, 5, 3), "B=0");
  const Tensors inputs = make(2, 0, 3);
  const Tensors out = kWkv.fast(inputs);
  EXPECT_EQ(out[0].sizes(), (std::vector<int64_t>{2, 0, 3}));
  EXPECT_TRUE(at::equal(out[1], inputs[4]));
}

TEST(Wkv, ExtremeKeysAndDecays) {
  for (const double size : {0.0, 1e-6, 40.0, 300.0}) {
    Tensors inputs = make(1, 40, 9);
    inputs[2] *= size;
    check_against_reference(kWkv, inputs, str("keys times ", size));
  }
  for (const double decay : {-1e-6, -100.0, -1e4}) {
    Tensors inputs = make(1, 40, 9);
    inputs[0].fill_(decay);
    check_against_reference(kWkv, inputs, str("decay ", decay));
  }
}

// Key and decayed maximum equal at every step: the gradient of a maximum is shared.
TEST(Wkv, EqualMaximaShareTheirGradient) {
  Tensors inputs = make(2, 20, 3);
  inputs[0].fill_(-0.5);
  inputs[2] = -0.5 * at::arange(20, at::kDouble).view({1, 20, 1}).expand({2, 20, 3}).clone();
  inputs[4].select(1, 2).fill_(0.5);
  check_against_reference(kWkv, inputs, "ties");
}

TEST(Wkv, Gradcheck) {
  gradcheck(kWkv.fast, make(2, 3, 2));
  gradcheck(kWkv.fast, make(1, 35, 1));
}

TEST(Wkv, SplitAnywhereEqualsOnePass) {
  const Tensors in = make(2, 70, 5);
  const Tensors whole = kWkv.fast(in);
  for (const int64_t cut : {1, 31, 32, 33, 69}) {
    const auto part = [&](int64_t from, int64_t to, const at::Tensor& state) {
      return kWkv.fast({in[0], in[1], in[2].slice(1, from, to), in[3].slice(1, from, to), state});
    };
    const Tensors first = part(0, cut, in[4]);
    const Tensors second = part(cut, 70, first[1]);
    EXPECT_TRUE(at::equal(at::cat({first[0], second[0]}, 1), whole[0])) << cut;
    EXPECT_TRUE(at::equal(second[1], whole[1])) << cut;
  }
}

TEST(Wkv, SameBitsForAnyThreadsAndNeighbours) {
  check_same_bits(kWkv, make(5, 41, 130));
  check_same_bits_in_any_batch(kWkv, make(5, 41, 130), {2, 3, 4});
}

TEST(Wkv, StridedArgumentsGiveTheSame) {
  check_strided(kWkv, make(2, 9, 4));
}

TEST(Wkv, RefusesASecondDerivativeAndNamesTheReference) {
  Tensors inputs = make(1, 3, 2);
  check_second_derivative_is_refused(kWkv, inputs);
}

TEST(Wkv, NamesTheArgumentThatDoesNotFit) {
  const at::Tensor k = at::zeros({2, 3, 4});
  const at::Tensor one = at::zeros({4});
  expect_refused([&] { wkv(at::zeros({5}), one, k, k); }, {"wkv", "decay is [5]", "[4]"});
  expect_refused([&] { wkv(one, one, k, k.slice(1, 0, 2)); }, {"v is [2, 2, 4]", "[2, 3, 4]"});
  expect_refused(
      [&] {
        wkv(one, one, k, k, at::zeros({2, 4, 3}));
      },
      {"state is [2, 4, 3]", "[2, 3, 4]"});
  expect_refused([&] { wkv(one, one.to(at::kDouble), k, k); }, {"bonus", "float64"});
  expect_refused([&] { wkv(one, one, k.to(at::kHalf), k.to(at::kHalf)); }, {"k is", "on the CPU"});
}

TEST(Wkv, ShapesWithoutData) {
  const at::Tensor k = at::empty({2, 3, 4}, at::kMeta);
  const at::Tensor one = at::empty({4}, at::kMeta);
  const auto [y, state] = wkv(one, one, k, k);
  EXPECT_EQ(y.sizes(), k.sizes());
  EXPECT_EQ(state.sizes(), (std::vector<int64_t>{2, 3, 4}));
}

}  // namespace
}  // namespace icl
