// SPDX-License-Identifier: Apache-2.0
#include "icl/solvers/spectrum.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <limits>

#include "icl/base/random.h"
#include "icl/solvers/online_least_squares.h"

namespace icl {
namespace {

// x = (1, 2), y = (3, 5) in one dimension: A = 2.5, b = 6.5.
Spectrum small() {
  return {at::tensor({1.0, 2.0}).view({1, 2, 1}), at::tensor({3.0, 5.0}).view({1, 2})};
}

double only(const at::Tensor& weights) {
  return weights.item<double>();
}

TEST(Spectrum, FiltersSolveOneDimension) {
  const Spectrum spectrum = small();
  const at::Tensor& values = spectrum.values_BD;
  EXPECT_DOUBLE_EQ(only(values), 2.5);
  EXPECT_NEAR(only(spectrum.weights(least_squares_filter(values))), 2.6, 1e-14);
  EXPECT_NEAR(only(spectrum.weights(ridge_filter(values, 4))), 1, 1e-14);
  const at::Tensor half = at::full({1, 1}, 0.2, at::kDouble);  // each step halves what is missing
  EXPECT_NEAR(only(spectrum.weights(descent_filter(values, half, 0))), 0, 1e-14);
  EXPECT_NEAR(only(spectrum.weights(descent_filter(values, half, 1))), 1.3, 1e-14);
  EXPECT_NEAR(only(spectrum.weights(descent_filter(values, half, 3))), 2.6 * 7 / 8, 1e-14);
  EXPECT_NEAR(only(spectrum.weights(descent_filter(values, optimal_step(values), 1))), 2.6, 1e-14);
  EXPECT_NEAR(only(spectrum.weights(newton_filter(values, 0))), 2.6, 1e-14);
}

// l = 1 and 4: Newton's iteration squares what is missing, which is 1 - 1/16 at first.
TEST(Spectrum, NewtonSquaresWhatIsMissing) {
  const at::Tensor values = at::tensor({1.0, 4.0}).to(at::kDouble).view({1, 2});
  double missing = 15. / 16;
  for (int64_t k = 0; k <= 4; ++k) {
    EXPECT_NEAR(newton_filter(values, k)[0][0].item<double>(), 1 - missing, 1e-14) << k;
    missing *= missing;
  }
}

// A direction without a point: gradient descent does not move along it, Newton and least squares
// neither.
TEST(Spectrum, DirectionsWithoutPointsStayZero) {
  const Spectrum spectrum(at::tensor({1.0, 0.0, 3.0, 0.0}).view({1, 2, 2}),
                          at::tensor({1.0, 2.0}).view({1, 2}));
  const at::Tensor& values = spectrum.values_BD;
  EXPECT_EQ(values[0][0].item<double>(), 0);
  for (const at::Tensor& filter : {least_squares_filter(values), newton_filter(values, 8),
                                   descent_filter(values, optimal_step(values), 100)}) {
    const at::Tensor weights = spectrum.weights(filter)[0];
    EXPECT_TRUE(at::isfinite(weights).all().item<bool>());
    EXPECT_EQ(weights[1].item<double>(), 0);
  }
}

TEST(Spectrum, PrefixesAreSpectraOfTheirPoints) {
  const at::Tensor xs = RandomStream(1, "xs").normal({6, 3}).to(at::kDouble);
  const at::Tensor ys = RandomStream(1, "ys").normal({6}).to(at::kDouble);
  const Spectrum prefixes = Spectrum::of_prefixes(xs, ys);
  const at::Tensor all = prefixes.weights(ridge_filter(prefixes.values_BD, 0.5));
  for (int64_t k = 1; k <= 6; ++k) {
    const Spectrum own(xs.narrow(0, 0, k).unsqueeze(0), ys.narrow(0, 0, k).unsqueeze(0));
    const at::Tensor weights = own.weights(ridge_filter(own.values_BD, 0.5));
    EXPECT_TRUE(at::allclose(all[k - 1], weights[0], 1e-10, 1e-12)) << k;
  }
}

TEST(Spectrum, SolversAgree) {
  const at::Tensor xs = RandomStream(2, "xs").normal({9, 4}).to(at::kDouble);
  const at::Tensor ys = RandomStream(2, "ys").normal({9}).to(at::kDouble);
  OnlineLeastSquares online(4, /*penalty=*/0);
  for (int64_t k = 0; k < 9; ++k) online.add(xs.data_ptr<double>() + 4 * k, ys[k].item<double>());
  EXPECT_EQ(online.rank(), 4);
  const Spectrum spectrum(xs.unsqueeze(0), ys.unsqueeze(0));
  const at::Tensor expected = spectrum.weights(least_squares_filter(spectrum.values_BD))[0];
  EXPECT_TRUE(at::allclose(at::tensor(online.solve(), at::kDouble), expected, 1e-9, 1e-12));
}

// Of two prompts the one with a number that is not finite has no solution; the other is as alone.
TEST(Spectrum, NumbersThatAreNotFiniteStayWithTheirPrompt) {
  at::Tensor xs = RandomStream(3, "xs").normal({2, 5, 2}).to(at::kDouble);
  const at::Tensor ys = RandomStream(3, "ys").normal({2, 5}).to(at::kDouble);
  const Spectrum before(xs, ys);
  xs[1][2][0] = std::numeric_limits<double>::infinity();
  const Spectrum spectrum(xs, ys);
  const at::Tensor weights = spectrum.weights(ridge_filter(spectrum.values_BD, 1));
  EXPECT_TRUE(at::equal(weights[0], before.weights(ridge_filter(before.values_BD, 1))[0]));
  EXPECT_TRUE(at::isnan(weights[1]).all().item<bool>());
}

}  // namespace
}  // namespace icl
