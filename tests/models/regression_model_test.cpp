// SPDX-License-Identifier: Apache-2.0
#include "icl/models/regression_model.h"
#include "icl/models/gpt2.h"
#include "icl/models/mamba.h"
#include "icl/models/mambaformer.h"
#include "icl/models/rwkv4.h"
#include "icl/models/s4.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "icl/base/error.h"
#include "tests/models/zoo.h"

namespace icl {
namespace {

int64_t count(const ModelConfig& config) {
  return RegressionModel(config, /*n_dims=*/20, Initialization::kNone).parameter_count();
}

TEST(RegressionModel, InterleavesXAndY) {
  const at::Tensor xs = at::tensor({1.f, 2.f, 3.f, 4.f}).view({1, 2, 2});
  const at::Tensor ys = at::tensor({5.f, 6.f}).view({1, 2});
  const at::Tensor tokens = at::tensor({1.f, 2.f, 5.f, 0.f, 3.f, 4.f, 6.f, 0.f}).view({1, 4, 2});
  EXPECT_TRUE(at::equal(prompt_tokens(xs, ys), tokens));
  const at::Tensor one = prompt_tokens(at::ones({1, 1, 1}), at::zeros({1, 1}));
  EXPECT_TRUE(at::equal(one, at::tensor({1.f, 0.f}).view({1, 2, 1})));
  EXPECT_THROW(prompt_tokens(xs, at::zeros({1, 3})), UsageError);
}

TEST(RegressionModel, CountsTheParametersOfThePaper) {
  EXPECT_EQ(count({.family = MambaFamily{}, .d_model = 64, .n_layer = 6}), 197'697);
  EXPECT_EQ(count({.family = MambaFamily{}, .d_model = 128, .n_layer = 12}), 1'402'241);
  EXPECT_EQ(count({.family = MambaFamily{}, .d_model = 256, .n_layer = 24}), 10'518'273);
  EXPECT_EQ(count({.family = Gpt2Family{.n_head = 2}, .d_model = 64, .n_layer = 3}), 151'489);
  EXPECT_EQ(count({.family = Gpt2Family{.n_head = 4}, .d_model = 128, .n_layer = 6}), 1'192'705);
  EXPECT_EQ(count({.family = Gpt2Family{.n_head = 8}, .d_model = 256, .n_layer = 12}), 9'483'265);
  EXPECT_EQ(count({.family = S4Family{.d_state = 64}, .d_model = 64, .n_layer = 6}), 102'017);
  EXPECT_EQ(count({.family = S4Family{.d_state = 64}, .d_model = 128, .n_layer = 12}), 601'857);
  EXPECT_EQ(count({.family = S4Family{.d_state = 64}, .d_model = 435, .n_layer = 24}), 10'491'331);
  // Not in the paper: sized to match.
  EXPECT_EQ(count({.family = Rwkv4Family{.d_ffn = 1064}, .d_model = 256, .n_layer = 12}),
            10'509'825);
  EXPECT_EQ(count({.family = MambaformerFamily{}, .d_model = 256, .n_layer = 15}), 10'267'649);
  // Garg et al. learn a position for each of the 202 tokens of 101 points.
  EXPECT_EQ(count({.family = Gpt2Family{.n_head = 8, .positions = "learned", .n_positions = 202},
                   .d_model = 256,
                   .n_layer = 12}),
            9'483'265 + 202 * 256);
}

TEST(RegressionModel, StartsFromItsDefaults) {
  at::manual_seed(3);
  const RegressionModel mamba({.family = MambaFamily{}, .d_model = 64, .n_layer = 1}, 20);
  const auto of_mamba = mamba.named_parameters();
  EXPECT_EQ(largest(of_mamba["read_in.bias"]), 0.0);
  EXPECT_EQ(largest(of_mamba["read_out.bias"]), 0.0);
  EXPECT_NEAR(largest(of_mamba["read_in.weight"]), 1 / std::sqrt(20.0), 1e-2);
  const RegressionModel gpt2({.family = Gpt2Family{.n_head = 2}, .d_model = 64, .n_layer = 1}, 20);
  const auto of_gpt2 = gpt2.named_parameters();
  EXPECT_NEAR(largest(of_gpt2["read_in.bias"]), 1 / std::sqrt(20.0), 2e-2);
  EXPECT_NEAR(largest(of_gpt2["read_out.weight"]), 1 / std::sqrt(64.0), 1e-2);
  EXPECT_GT(largest(of_gpt2["read_out.bias"]), 0.0);
}

class RegressionZoo : public ::testing::TestWithParam<ModelConfig> {};

TEST_P(RegressionZoo, PredictsFromWhatCameBefore) {
  const at::NoGradGuard no_grad;
  const auto model = small_model(GetParam(), 3);
  const at::Tensor xs = at::randn({2, 6, 3});
  const at::Tensor ys = at::randn({2, 6});
  const at::Tensor before = model->predict(xs, ys);
  ASSERT_EQ(before.sizes(), (at::IntArrayRef{2, 6}));
  at::Tensor changed = ys.clone();
  changed.select(1, 3).add_(5.0);
  const at::Tensor after = model->predict(xs, changed);
  // y_3 is first seen by the prediction of y_4.
  EXPECT_LE(largest((after - before).narrow(1, 0, 4)), 1e-5);
  EXPECT_GE(largest((after - before).narrow(1, 4, 2)), 1e-5);
}

TEST_P(RegressionZoo, PredictsQueriesInPlaceOfPoints) {
  const at::NoGradGuard no_grad;
  const auto model = small_model(GetParam(), 3);
  model->to(at::kDouble);
  const at::Tensor xs = at::randn({2, 5, 3}, at::kDouble);
  const at::Tensor ys = at::randn({2, 5}, at::kDouble);
  const at::Tensor in_place = model->predict(xs, ys);
  const double bound = 1e-12 * std::max(1.0, largest(in_place));
  EXPECT_LE(largest(model->predict_queries(xs, ys, xs) - in_place), bound);
  const at::Tensor queries = at::randn({2, 5, 3}, at::kDouble);
  const at::Tensor predictions = model->predict_queries(xs, ys, queries);
  for (int64_t i = 0; i < 5; ++i) {
    at::Tensor replaced = xs.clone();
    replaced.select(1, i).copy_(queries.select(1, i));
    const at::Tensor expected = model->predict(replaced, ys).select(1, i);
    EXPECT_LE(largest(predictions.select(1, i) - expected), bound) << "query " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Small, RegressionZoo, ::testing::ValuesIn(small_zoo()), zoo_name);

}  // namespace
}  // namespace icl
