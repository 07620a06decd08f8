// SPDX-License-Identifier: Apache-2.0
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "icl/base/random.h"
#include "icl/evaluation/baselines.h"
#include "icl/ops/gpu.h"

namespace icl {
namespace {

TEST(BaselinesGpu, StayOnTheDeviceOfThePromptsAndDoNotDependOnTheCall) {
  if (!why_no_gpu().empty() || !at::hasCUDA()) GTEST_SKIP() << "there is no usable GPU here";
  const RandomStream stream(7, "baselines test");
  const at::Tensor xs = stream.child("xs").normal({5, 12, 3}).to(at::kCUDA);
  const at::Tensor ys = stream.child("ys").normal({5, 12}).to(at::kCUDA);
  for (const Baseline& baseline : baselines().records()) {
    const at::Tensor whole = baseline.predict({xs, ys}, {});
    EXPECT_EQ(whole.device(), xs.device()) << baseline.name;
    const at::Tensor one = baseline.predict({xs.narrow(0, 3, 1), ys.narrow(0, 3, 1)}, {});
    EXPECT_TRUE(at::equal(one, whole.narrow(0, 3, 1))) << baseline.name;
    const at::Tensor on_cpu = baseline.predict({xs.cpu(), ys.cpu()}, {});
    EXPECT_TRUE(at::allclose(whole.cpu(), on_cpu, 1e-2, 1e-2)) << baseline.name;
  }
}

}  // namespace
}  // namespace icl
