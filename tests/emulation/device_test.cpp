// SPDX-License-Identifier: Apache-2.0
//
// The arithmetic of kernels/cuda/device.cuh against the C library's in float64.
#include "kernels/cuda/device.cuh"

#include <gtest/gtest.h>

#include "kernels/cuda/scan_stage.cuh"

namespace icl::kernels {
namespace {

double relative(double found, double expected) {
  return std::fabs(found - expected) / std::fabs(expected);
}

TEST(CudaDevice, SoftplusByHand) {
  EXPECT_FLOAT_EQ(softplus(0.0f).value, 0.693147181f);
  EXPECT_FLOAT_EQ(softplus(0.0f).slope, 0.5f);
  EXPECT_EQ(softplus(25.0f).value, 25.0f);
  EXPECT_EQ(softplus(25.0f).slope, 1.0f);
  EXPECT_EQ(softplus(21.0).value, 21.0);
  EXPECT_EQ(softplus(21.0).slope, 1.0);
}

TEST(CudaDevice, SoftplusAndSigmoidToTheLastPlaces) {
  for (float x = -80; x < 19.9f; x += 0.0173f) {
    const double wide = x, share = 1 / (1 + std::exp(-wide));
    const Softplus<float> result = softplus(x);
    ASSERT_LE(relative(result.value, std::log1p(std::exp(wide))), 4e-7) << x;
    ASSERT_LE(relative(result.slope, share), 4e-7) << x;
    ASSERT_LE(relative(sigmoid(x), share), 4e-7) << x;
    ASSERT_LE(relative(softplus(wide).value, std::log1p(std::exp(wide))), 1e-15) << x;
  }
}

TEST(CudaDevice, BeyondTheRangeOfExponentials) {
  for (const float x : {1e3f, 1e10f, 3e38f, INFINITY}) {
    EXPECT_EQ(softplus(x).value, x) << x;
    EXPECT_EQ(softplus(x).slope, 1.0f) << x;
    EXPECT_EQ(sigmoid(x), 1.0f) << x;
    EXPECT_LE(softplus(-x).value, 1e-40f) << x;
    EXPECT_GE(softplus(-x).value, 0.0f) << x;
    EXPECT_LE(sigmoid(-x), 1e-38f) << x;
  }
}

TEST(CudaDevice, NotANumberIsHandedOn) {
  EXPECT_TRUE(std::isnan(softplus(NAN).value));
  EXPECT_TRUE(std::isnan(NAN * sigmoid(NAN)));
  EXPECT_TRUE(std::isnan(silu_slope(NAN, sigmoid(NAN))));
}

TEST(CudaDevice, ValuesByFoursOrOneByOne) {
  alignas(16) const float from[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  for (const bool in_fours : {false, true}) {
    alignas(16) float to[8];
    load_values<8>(to, from, 4, in_fours);
    for (int n = 0; n < 8; ++n) EXPECT_EQ(to[n], n < 4 ? from[n] : 0) << n;
    alignas(16) float stored[8] = {};
    store_values<8>(stored, from, 4, in_fours);
    for (int n = 0; n < 8; ++n) EXPECT_EQ(stored[n], n < 4 ? from[n] : 0) << n;
  }
}

TEST(CudaDevice, RowsAreCopiedByFoursWhereAllLieAtMultiplesOf16Bytes) {
  alignas(16) const float rows[16] = {};
  EXPECT_TRUE(rows_in_fours(rows, 8, 4));
  EXPECT_FALSE(rows_in_fours(rows, 8, 6));
  EXPECT_FALSE(rows_in_fours(rows, 9, 4));
  EXPECT_FALSE(rows_in_fours(rows + 1, 8, 4));
  EXPECT_FALSE(rows_in_fours(reinterpret_cast<const __half*>(rows), 8, 4));
}

}  // namespace
}  // namespace icl::kernels
