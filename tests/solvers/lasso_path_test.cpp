// SPDX-License-Identifier: Apache-2.0
#include "icl/solvers/lasso_path.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "icl/base/random.h"
#include "icl/solvers/online_lasso.h"

namespace icl {
namespace {

at::Tensor tensor(const std::vector<double>& values) {
  return at::tensor(values, at::kDouble);
}

// The minimum: correlations with the residual reach the penalty where a weight is not zero, with
// its sign, and stay within it elsewhere.
TEST(LassoPath, EndsWhereTheSubgradientIsZero) {
  const int64_t dims = 20;
  for (const int64_t points : {3, 12, 19, 20, 35}) {
    const at::Tensor xs = RandomStream(7, "xs").normal({points, dims}).to(at::kDouble);
    const at::Tensor ys = at::mv(xs, RandomStream(7, "w").normal({dims}).to(at::kDouble));
    const at::Tensor gram = at::matmul(xs.t(), xs).contiguous();
    const at::Tensor moment = at::matmul(xs.t(), ys).contiguous();
    const std::vector<double> g(gram.data_ptr<double>(), gram.data_ptr<double>() + dims * dims);
    const std::vector<double> b(moment.data_ptr<double>(), moment.data_ptr<double>() + dims);
    for (const double penalty : {1e-3, 0.1, 5.0}) {
      std::vector<double> weights(dims);
      ASSERT_TRUE(follow_lasso_path(g, b, penalty, weights));
      const at::Tensor slack = moment - at::matmul(gram, tensor(weights));
      for (int64_t j = 0; j < dims; ++j) {
        const double pull = slack[j].item<double>();
        const double w = weights[static_cast<size_t>(j)];
        EXPECT_LT(std::abs(pull), penalty + 1e-8);
        if (w == 0) continue;
        EXPECT_NEAR(pull, std::copysign(penalty, w), 1e-8) << points << " points";
      }
    }
  }
}

TEST(LassoPath, TakesTheFirstOfEqualColumns) {
  std::vector<double> weights = {7, 7};
  EXPECT_TRUE(follow_lasso_path({4, 4, 4, 4}, {6, 6}, 2, weights));
  EXPECT_EQ(weights, (std::vector<double>{1, 0}));
  EXPECT_TRUE(follow_lasso_path({4, 4, 4, 4}, {6, 6}, 6, weights));
  EXPECT_EQ(weights, (std::vector<double>{0, 0}));
}

// By hand: with x^2 = 4 and x y = 6 the weight is (6 - penalty) / 4.
TEST(OnlineLasso, TakesPointsOneByOne) {
  OnlineLasso solver(2);
  const double first[] = {2, 0}, second[] = {0, 1};
  solver.add(first, 3);
  EXPECT_DOUBLE_EQ(solver.solve(2)[0], 1);
  solver.add(second, 5);
  const std::vector<double> expected = {1.25, 4};
  EXPECT_EQ(solver.solve(1), expected);
}

}  // namespace
}  // namespace icl
