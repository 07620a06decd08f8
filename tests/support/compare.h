// SPDX-License-Identifier: Apache-2.0
//
// Comparison of a computed tensor with a float64 oracle by relative norm: |x - oracle| / |oracle|.
#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <string>

namespace icl::testing {

inline double relative_error(const at::Tensor& computed, const at::Tensor& oracle) {
  const at::Tensor exact = oracle.detach().to(at::kDouble).cpu();
  const double size = exact.norm().item<double>();
  const double error = (computed.detach().to(at::kDouble).cpu() - exact).norm().item<double>();
  return error / std::max(size, 1e-30);
}

// A float32 epsilon: the reference may be exact by luck, a result still has to be rounded.
inline constexpr double kRounding = 1.2e-7;

// Within `bound`, and no worse than twice the float32 reference's own error and one `rounding`.
inline void expect_close(const std::string& name, const at::Tensor& computed,
                         const at::Tensor& reference, const at::Tensor& oracle, double bound,
                         double rounding = kRounding) {
  ASSERT_EQ(computed.sizes(), oracle.sizes()) << name;
  if (oracle.numel() == 0) return;
  const double error = relative_error(computed, oracle);
  EXPECT_LE(error, bound) << name;
  EXPECT_LE(error, 2 * relative_error(reference, oracle) + rounding) << name << " (the reference)";
}

}  // namespace icl::testing
