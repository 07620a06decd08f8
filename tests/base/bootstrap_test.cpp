// SPDX-License-Identifier: Apache-2.0
#include "icl/base/bootstrap.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

namespace icl {
namespace {

TEST(Bootstrap, EveryResampleHasAsManyRows) {
  const Bootstrap bootstrap(50, 7, RandomStream(1, "test"));
  EXPECT_TRUE(at::equal(bootstrap.counts().sum(1), at::full({50}, 7.0, at::kDouble)));
  EXPECT_GE(bootstrap.counts().min().item<double>(), 0);
  EXPECT_FALSE(at::equal(bootstrap.counts()[0], bootstrap.counts()[1]));
  const Bootstrap again(50, 7, RandomStream(1, "test"));
  EXPECT_TRUE(at::equal(bootstrap.counts(), again.counts()));
}

TEST(Bootstrap, MeansWeighRowsByHowOftenTheyAreDrawn) {
  const Bootstrap bootstrap(20, 5, RandomStream(2, "test"));
  const at::Tensor values = RandomStream(2, "values").normal({5, 3}).to(at::kDouble);
  const at::Tensor expected = at::matmul(bootstrap.counts(), values) / 5;
  EXPECT_TRUE(at::allclose(bootstrap.means(values), expected, 1e-12, 1e-14));
  // A row that stands alone is every resample.
  const Bootstrap single(4, 1, RandomStream(2, "test"));
  EXPECT_TRUE(
      at::equal(single.means(values.narrow(0, 0, 1)), values.narrow(0, 0, 1).expand({4, 3})));
}

TEST(Bootstrap, IntervalsAreOrderStatistics) {
  const at::Tensor values = at::arange(1000, at::kLong).flip(0).unsqueeze(1);
  EXPECT_EQ(interval_of(values, 0.9).low.item<int64_t>(), 50);
  EXPECT_EQ(interval_of(values, 0.9).high.item<int64_t>(), 950);
  EXPECT_EQ(interval_of(values, 0.95).low.item<int64_t>(), 25);
  EXPECT_EQ(interval_of(values, 0.95).high.item<int64_t>(), 975);
  EXPECT_EQ(interval_of(values, 1).low.item<int64_t>(), 0);
  EXPECT_EQ(interval_of(values, 1).high.item<int64_t>(), 999);
  EXPECT_EQ(interval_of(values.narrow(0, 0, 1), 0.9).high.item<int64_t>(), 999);
}

// Of a normal sample: mean +- 1.96 / sqrt(n), within the error of the bootstrap.
TEST(Bootstrap, CoversTheMeanOfNormalNumbersAsTheoryTells) {
  const int64_t n = 400;
  const at::Tensor values = RandomStream(3, "values").normal({n, 1}).to(at::kDouble);
  const Bootstrap bootstrap(4000, n, RandomStream(3, "test"));
  const Interval interval = interval_of(bootstrap.means(values), 0.95);
  const double half = 1.96 * values.std().item<double>() / std::sqrt(static_cast<double>(n));
  const double mean = values.mean().item<double>();
  EXPECT_NEAR(interval.low.item<double>(), mean - half, 0.1 * half);
  EXPECT_NEAR(interval.high.item<double>(), mean + half, 0.1 * half);
}

}  // namespace
}  // namespace icl
