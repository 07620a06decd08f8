// SPDX-License-Identifier: Apache-2.0
#include "icl/ops/add_rms_norm.h"

#include "tests/ops/operator_check.h"

namespace icl {
namespace {

using namespace testing;  // NOLINT: the checks of every operator

std::optional<at::Tensor> optional(const at::Tensor& tensor) {
  return tensor.defined() ? std::optional<at::Tensor>(tensor) : std::nullopt;
}

template <class Function>
TensorFunction run(const Function& function) {
  return [function](const Tensors& in) {
    const auto [normed, residual] = function(in[0], optional(in[1]), in[2], 1e-5);
    return Tensors{normed, residual};
  };
}

const Operator kNorm{.name = "add_rms_norm",
                     .inputs = {"x", "residual", "weight"},
                     .outputs = {"normed", "residual"},
                     .fast = run(add_rms_norm),
                     .reference = run(add_rms_norm_reference)};

Tensors make(at::IntArrayRef shape) {
  at::manual_seed(static_cast<uint64_t>(shape.back()));
  return {normal(shape), normal(shape) * 2, normal({shape.back()})};
}

TEST(AddRmsNorm, ByHand) {
  const at::Tensor x = at::tensor({1.0, 5.0}, at::kDouble);
  const at::Tensor residual = at::tensor({2.0, -1.0}, at::kDouble);
  const at::Tensor weight = at::tensor({2.0, 10.0}, at::kDouble);
  const auto [normed, sum] = add_rms_norm(x, residual, weight, 0);
  EXPECT_TRUE(at::equal(sum, at::tensor({3.0, 4.0}, at::kDouble)));
  EXPECT_NEAR(normed[0].item<double>(), 6 / std::sqrt(12.5), 1e-15);
  EXPECT_NEAR(normed[1].item<double>(), 40 / std::sqrt(12.5), 1e-14);
}

TEST(AddRmsNorm, ValuesAndGradientsOfEveryWidth) {
  for (const int64_t width : {1, 2, 7, 8, 15, 16, 17, 63, 64, 65, 130, 256, 2049, 10007}) {
    check_against_reference(kNorm, make({2, 3, width}), str("M=", width));
  }
}

TEST(AddRmsNorm, ManyRows) {
  for (const int64_t rows : {1, 15, 16, 17, 41, 82, 201, 257, 2047, 10007}) {
    check_against_reference(kNorm, make({rows, 5}), str("rows=", rows));
  }
}

TEST(AddRmsNorm, WithoutAResidualTheSumIsACopy) {
  Tensors inputs = make({3, 9});
  inputs[1] = at::Tensor();
  check_against_reference(kNorm, inputs, "no residual");
  const Tensors out = kNorm.fast(inputs);
  EXPECT_TRUE(at::equal(out[1], inputs[0]));
  EXPECT_NE(out[1].data_ptr(), inputs[0].data_ptr());
}

TEST(AddRmsNorm, OneResultMayGoUnused) {
  const Tensors inputs = make({3, 9});
  for (const size_t used : {0, 1}) {
    Operator one = kNorm;
    one.outputs = {kNorm.outputs[used]};
    one.fast = [&](const Tensors& in) { return Tensors{kNorm.fast(in)[used]}; };
    one.reference = [&](const Tensors& in) { return Tensors{kNorm.reference(in)[used]}; };
    check_against_reference(one, inputs, "only " + one.outputs[0]);
  }
}

TEST(AddRmsNorm, NoRows) {
  check_against_reference(kNorm, make({0, 5}), "rows=0");
}

TEST(AddRmsNorm, ZeroAndHugeRows) {
  Tensors inputs = make({3, 9});
  inputs[0][0].zero_();
  inputs[1][0].zero_();
  inputs[0][1] *= 1e12;
  check_against_reference(kNorm, inputs, "zero and huge");
}

TEST(AddRmsNorm, Gradcheck) {
  gradcheck(kNorm.fast, make({2, 2, 5}));
}

TEST(AddRmsNorm, SameBitsForAnyThreadsAndNeighbours) {
  check_same_bits(kNorm, make({5, 41, 130}));
  check_same_bits_in_any_batch(kNorm, make({5, 41, 130}), {0, 1});
}

TEST(AddRmsNorm, StridedArgumentsGiveTheSame) {
  check_strided(kNorm, make({3, 5, 9}));
}

TEST(AddRmsNorm, RefusesASecondDerivativeAndNamesTheReference) {
  check_second_derivative_is_refused(kNorm, make({2, 3}));
}

TEST(AddRmsNorm, NamesTheArgumentThatDoesNotFit) {
  const at::Tensor x = at::zeros({2, 3});
  expect_refused([&] { add_rms_norm(x, {}, at::zeros({4}), 0); },
                 {"add_rms_norm", "weight is [4]", "[3]"});
  expect_refused(
      [&] {
        add_rms_norm(x, at::zeros({3, 2}), at::zeros({3}), 0);
      },
      {"residual is [3, 2]", "[2, 3]"});
  expect_refused([&] { add_rms_norm(x, {}, at::zeros({3}), -1); }, {"eps is -1"});
  expect_refused([&] { add_rms_norm(x.to(at::kHalf), {}, at::zeros({3}), 0); },
                 {"x is", "on the CPU"});
}

TEST(AddRmsNorm, ShapesWithoutData) {
  const auto [normed, sum] =
      add_rms_norm(at::empty({2, 3}, at::kMeta), {}, at::empty({3}, at::kMeta), 0);
  EXPECT_EQ(normed.sizes(), sum.sizes());
  EXPECT_TRUE(normed.is_meta());
}

}  // namespace
}  // namespace icl
