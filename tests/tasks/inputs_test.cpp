// SPDX-License-Identifier: Apache-2.0
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "icl/tasks/quadrant_inputs.h"
#include "icl/tasks/rotated_inputs.h"
#include "icl/tasks/task_sampler.h"

namespace icl {
namespace {

const RandomStream kStep(1, "step");
const RandomStream kFixed(1, "fixed");

at::Tensor draw(const InputConfig& config, int64_t dims, int64_t batch, int64_t points) {
  return sample_inputs(config, dims, kStep, kFixed, batch, points, dims);
}

// Second moments of the points, [D, D].
at::Tensor moments(const at::Tensor& xs_BKD) {
  const at::Tensor rows = xs_BKD.flatten(0, 1).to(at::kDouble);
  return at::matmul(rows.t(), rows) / static_cast<double>(rows.size(0));
}

at::Tensor eigenvalues(const at::Tensor& symmetric) {
  return at::linalg_eigvalsh(symmetric).flip(0);
}

TEST(Inputs, GaussianIsScaledThenShifted) {
  const at::Tensor plain = draw({}, 4, 8, 5);
  const at::Tensor moved = draw({.scale = 3, .bias = 0.5}, 4, 8, 5);
  EXPECT_TRUE(at::allclose(moved, plain * 3 + 0.5));
  const at::Tensor many = draw({.scale = 3, .bias = 0.5}, 20, 500, 40).to(at::kDouble);
  EXPECT_NEAR(many.mean().item<double>(), 0.5, 0.02);
  EXPECT_NEAR(many.std().item<double>(), 3, 0.02);
}

TEST(Inputs, CurriculumZeroesTrailingCoordinatesAfterTheRotation) {
  const InputConfig skewed{.distribution = SkewedInputs{}};
  const at::Tensor whole = sample_inputs(skewed, 20, kStep, kFixed, 4, 11, 20);
  const at::Tensor part = sample_inputs(skewed, 20, kStep, kFixed, 4, 11, 5);
  EXPECT_TRUE(at::equal(part.slice(2, 0, 5), whole.slice(2, 0, 5)));
  EXPECT_EQ(part.slice(2, 5).abs().sum().item<float>(), 0);
}

TEST(Inputs, TransformationHasThePublishedSpectrum) {
  // 20 / sum_{i <= 20} 1 / i^2 = 12.531, condition number 400.
  const at::Tensor t = random_transformation(skewed_scales(20, 1), kStep).to(at::kDouble);
  EXPECT_TRUE(at::allclose(t, t.t(), 0, 1e-6));
  const at::Tensor values = eigenvalues(at::matmul(t, t.t()));
  EXPECT_NEAR(values.sum().item<double>(), 20, 1e-4);
  EXPECT_NEAR(values[0].item<double>(), 12.531, 1e-3);
  EXPECT_NEAR(values[1].item<double>(), 12.531 / 4, 1e-3);
  EXPECT_NEAR(values[19].item<double>(), 0.03133, 1e-4);
}

TEST(Inputs, SkewedPointsHaveTheSpectrum) {
  const at::Tensor values =
      eigenvalues(moments(draw({.distribution = SkewedInputs{}}, 20, 500, 40)));
  EXPECT_NEAR(values[0].item<double>(), 12.53, 0.6);
  EXPECT_NEAR(values[1].item<double>(), 3.13, 0.2);
  EXPECT_NEAR(values[19].item<double>(), 0.0313, 0.003);
}

TEST(Inputs, ExponentZeroIsIsotropic) {
  const at::Tensor t = random_transformation(skewed_scales(6, 0), kStep);
  EXPECT_TRUE(at::allclose(t, at::eye(6), 0, 1e-6));
}

TEST(Inputs, HalfSubspaceHasVarianceTwoInHalfTheDirections) {
  const at::Tensor values =
      eigenvalues(moments(draw({.distribution = HalfSubspaceInputs{}}, 20, 500, 40)));
  EXPECT_NEAR(values.slice(0, 0, 10).mean().item<double>(), 2, 0.03);
  EXPECT_GT(values[9].item<double>(), 1.8);
  EXPECT_LT(values[10].item<double>(), 1e-9);
}

TEST(Inputs, RotationIsUniform) {
  // First column of a uniformly random rotation of the plane: each coordinate has mean square 1/2,
  // and the projection onto it has mean I / 2 and E[P_00^2] = 3/8.
  double first = 0;
  double square = 0;
  double cross = 0;
  const int n = 4000;
  for (int i = 0; i < n; ++i) {
    const at::Tensor t =
        random_transformation(half_subspace_scales(2), kStep.at_step(i)) / std::sqrt(2.0);
    const double p = t[0][0].item<double>();
    first += p / n;
    square += p * p / n;
    cross += t[0][1].item<double>() / n;
  }
  EXPECT_NEAR(first, 0.5, 0.03);
  EXPECT_NEAR(square, 0.375, 0.03);
  EXPECT_NEAR(cross, 0, 0.03);
}

TEST(Inputs, FixedRotationStaysAndAFreshOneDoesNot) {
  const auto transform = [](const std::string& rotation, int64_t step) {
    const InputConfig config{.distribution = SkewedInputs{.rotation = rotation}};
    const RandomStream stream = kStep.at_step(step);
    const at::Tensor xs = sample_inputs(config, 5, stream, kFixed, 40, 1, 5).select(1, 0);
    const at::Tensor z = sample_inputs({}, 5, stream, kFixed, 40, 1, 5).select(1, 0);
    return std::get<0>(at::linalg_lstsq(z, xs));
  };
  EXPECT_TRUE(at::allclose(transform("fixed", 1), transform("fixed", 2), 1e-3, 1e-4));
  EXPECT_FALSE(at::allclose(transform("per_batch", 1), transform("per_batch", 2), 1e-1, 1e-1));
}

TEST(Inputs, AllButTheLastPointLieInTheQuadrantOfTheirPrompt) {
  const at::Tensor xs = draw({.distribution = QuadrantInputs{}}, 3, 4000, 4);
  const at::Tensor plain = draw({}, 3, 4000, 4);
  EXPECT_TRUE(at::equal(xs.abs(), plain.abs()));
  EXPECT_TRUE(at::equal(xs.select(1, 3), plain.select(1, 3)));
  const at::Tensor signs = xs.slice(1, 0, 3).sign();
  EXPECT_TRUE(at::equal(signs, signs.slice(1, 0, 1).expand_as(signs)));
  const at::Tensor bits = (signs.select(1, 0) > 0).to(at::kLong);
  const at::Tensor quadrant = (bits * at::tensor({1, 2, 4}, at::kLong)).sum(1);
  const at::Tensor counts = at::bincount(quadrant, {}, 8);
  EXPECT_GT(counts.min().item<int64_t>(), 400);  // of 500 expected, standard deviation 21
  EXPECT_LT(counts.max().item<int64_t>(), 600);
}

}  // namespace
}  // namespace icl
