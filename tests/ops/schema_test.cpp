// SPDX-License-Identifier: Apache-2.0
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "icl/ops/selective_scan.h"

namespace icl {
namespace {

TEST(Schema, ScanOfOneStepIsTheFormula) {
  const at::Tensor one = at::ones({1, 1, 1}, at::kDouble);
  auto [y, state] =
      selective_scan(2 * one, 3 * one, -at::ones({1, 1}, at::kDouble), 5 * one, 7 * one);
  EXPECT_DOUBLE_EQ(state.item<double>(), 30);
  EXPECT_DOUBLE_EQ(y.item<double>(), 210);
}

}  // namespace
}  // namespace icl
