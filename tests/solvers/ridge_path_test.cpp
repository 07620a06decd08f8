// SPDX-License-Identifier: Apache-2.0
#include "icl/solvers/ridge_path.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "icl/base/random.h"

namespace icl {
namespace {

TEST(RidgePath, SolvesWhatTheNormalEquationsSay) {
  const at::Tensor z = RandomStream(1, "z").normal({50, 3}).to(at::kDouble) * 2 + 1;
  const at::Tensor t = RandomStream(1, "t").normal({50, 2}).to(at::kDouble);
  SecondMoments moments(3, 2);
  moments.add(z.slice(0, 0, 20), t.slice(0, 0, 20));
  moments.add(z.slice(0, 20), t.slice(0, 20));
  const at::Tensor columns = at::tensor({0, 2}, at::kLong);
  const RidgePath path(moments, columns);
  const double penalty = 0.3;
  const at::Tensor used = z.index_select(1, columns);
  const at::Tensor mean = used.mean(0);
  const at::Tensor deviation = used.std(0, /*unbiased=*/false);
  const at::Tensor s = (used - mean) / deviation;
  const at::Tensor slopes =
      at::linalg_solve(at::matmul(s.t(), s) / 50 + penalty * at::eye(2, at::kDouble),
                       at::matmul(s.t(), t - t.mean(0)) / 50) /
      deviation.unsqueeze(1);
  const at::Tensor weights = path.weights(penalty);
  EXPECT_TRUE(at::allclose(weights.slice(0, 0, 2), slopes, 1e-9, 1e-12));
  EXPECT_TRUE(at::allclose(weights[2], t.mean(0) - at::matmul(mean, slopes), 1e-9, 1e-12));
  const at::Tensor wrong = at::matmul(used, slopes) + weights[2] - t;
  EXPECT_TRUE(at::allclose(path.error(weights, moments), wrong.square().sum(0), 1e-9, 1e-12));
}

}  // namespace
}  // namespace icl
