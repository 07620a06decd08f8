// SPDX-License-Identifier: Apache-2.0
#include "icl/ops/long_conv.h"

#include "tests/ops/operator_check.h"

namespace icl {
namespace {

using namespace testing;  // NOLINT: the checks of every operator

template <class Function>
TensorFunction run(const Function& function) {
  return [function](const Tensors& in) {
    return Tensors{
        function(in[0], in[1], in[2].defined() ? std::optional<at::Tensor>(in[2]) : std::nullopt)};
  };
}

const Operator kConv{.name = "long_conv",
                     .inputs = {"u", "k", "D"},
                     .outputs = {"y"},
                     .fast = run(long_conv),
                     .reference = run(long_conv_reference)};

Tensors make(int64_t batch, int64_t length, int64_t channels) {
  at::manual_seed(static_cast<uint64_t>(batch + 10 * length + 100 * channels));
  return {normal({batch, length, channels}), normal({channels, length}), normal({channels})};
}

TEST(LongConv, ByHand) {
  const at::Tensor u = at::tensor({1.0, 10.0, 100.0}, at::kDouble).view({1, 3, 1});
  const at::Tensor k = at::tensor({2.0, 3.0, 5.0}, at::kDouble).view({1, 3});
  const at::Tensor D = at::tensor({0.5}, at::kDouble);
  EXPECT_TRUE(at::equal(long_conv(u, k).flatten(), at::tensor({2.0, 23.0, 235.0}, at::kDouble)));
  EXPECT_TRUE(at::equal(long_conv(u, k, D).flatten(), at::tensor({2.5, 28.0, 285.0}, at::kDouble)));
}

TEST(LongConv, ValuesAndGradientsAtEveryLength) {
  for (const int64_t length : kLengths) {
    check_against_reference(kConv, make(3, length, 5), str("L=", length));
  }
}

// Either side of where Fourier transforms take over, and even and odd powers of two beyond.
TEST(LongConv, GreatLengths) {
  for (const int64_t length : {128, 129, 159, 160, 161, 511, 512, 513, 1024, 1025}) {
    check_against_reference(kConv, make(3, length, 3), str("L=", length));
  }
  for (const int64_t length : kGreatLengths) {
    check_against_reference(kConv, make(2, length, 3), str("L=", length));
  }
}

TEST(LongConv, EveryWidthAndBatch) {
  for (const int64_t width : kWidths) {
    check_against_reference(kConv, make(2, 7, width), str("H=", width));
  }
  for (const int64_t batch : {1, 2, 4, 5, 8, 9, 11}) {
    check_against_reference(kConv, make(batch, 35, 3), str("B=", batch));
    check_against_reference(kConv, make(batch, 600, 3), str("L=600, B=", batch));
  }
}

TEST(LongConv, WithoutASkip) {
  Tensors inputs = make(2, 37, 6);
  inputs[2] = at::Tensor();
  check_against_reference(kConv, inputs, "no D");
}

TEST(LongConv, EmptyBatchAndEmptySequence) {
  check_against_reference(kConv, make(0, 5, 3), "B=0");
  check_against_reference(kConv, make(0, 600, 3), "L=600, B=0");
  check_against_reference(kConv, make(2, 0, 3), "L=0");
}

TEST(LongConv, Gradcheck) {
  gradcheck(kConv.fast, make(2, 5, 2));
}

TEST(LongConv, SameBitsForAnyThreadsAndNeighbours) {
  check_same_bits(kConv, make(11, 41, 35));
  check_same_bits(kConv, make(3, 700, 35));
  check_same_bits_in_any_batch(kConv, make(11, 41, 35), {0});
  check_same_bits_in_any_batch(kConv, make(3, 700, 35), {0});
}

TEST(LongConv, StridedArgumentsGiveTheSame) {
  check_strided(kConv, make(2, 9, 4));
}

TEST(LongConv, RefusesASecondDerivativeAndNamesTheReference) {
  check_second_derivative_is_refused(kConv, make(1, 3, 2));
}

TEST(LongConv, NamesTheArgumentThatDoesNotFit) {
  const at::Tensor u = at::zeros({2, 3, 4});
  expect_refused([&] { long_conv(u, at::zeros({3, 4})); }, {"long_conv", "k is [3, 4]", "[4, 3]"});
  expect_refused([&] { long_conv(u, at::zeros({4, 3}), at::zeros({3})); }, {"D is [3]", "[4]"});
  expect_refused([&] { long_conv(u, at::zeros({4, 3}, at::kDouble)); }, {"k", "float64"});
  expect_refused([&] { long_conv(u.to(at::kHalf), at::zeros({4, 3})); }, {"u is", "on the CPU"});
}

TEST(LongConv, ShapesWithoutData) {
  const at::Tensor u = at::empty({2, 3, 4}, at::kMeta);
  EXPECT_EQ(long_conv(u, at::empty({4, 3}, at::kMeta)).sizes(), u.sizes());
}

}  // namespace
}  // namespace icl
