// SPDX-License-Identifier: Apache-2.0
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "icl/base/error.h"
#include "icl/tasks/decision_tree.h"
#include "icl/tasks/linear_classification.h"
#include "icl/tasks/linear_regression.h"
#include "icl/tasks/noisy_linear_regression.h"
#include "icl/tasks/quadratic_regression.h"
#include "icl/tasks/relu_2nn_regression.h"
#include "icl/tasks/sparse_linear_regression.h"
#include "icl/tasks/task_sampler.h"

namespace icl {
namespace {

const RandomStream kStream(2, "functions");

Functions with(const TaskConfig& config, FunctionParameters parameters) {
  return Functions(config, std::move(parameters), kStream);
}

// E[y^2] over Gaussian inputs.
double power(const TaskConfig& config) {
  const at::Tensor xs = RandomStream(3, "xs").normal({4000, 5, config.n_dims});
  const Functions functions(config, kStream, 4000, config.n_dims);
  return functions.values(xs).to(at::kDouble).square().mean().item<double>();
}

TEST(FunctionClasses, HandWorkedValues) {
  const at::Tensor xs = at::tensor({1.F, -2.F, 3.F, 0.5F}).reshape({1, 2, 2});
  const at::Tensor w = at::tensor({2.F, 1.F}).reshape({1, 2});
  const auto values = [&](const TaskConfig& config, FunctionParameters parameters) {
    const at::Tensor ys = with(config, std::move(parameters)).values(xs);
    return std::pair(ys[0][0].item<double>(), ys[0][1].item<double>());
  };
  EXPECT_EQ(values({.function = LinearRegression{.scale = 3}, .n_dims = 2}, {w}),
            std::pair(0.0, 19.5));
  const auto [q0, q1] = values({.function = QuadraticRegression{}, .n_dims = 2}, {w});
  EXPECT_NEAR(q0, 6 / std::sqrt(3.0), 1e-6);
  EXPECT_NEAR(q1, 18.25 / std::sqrt(3.0), 1e-5);
  EXPECT_EQ(values({.function = LinearClassification{}, .n_dims = 2},
                   {at::tensor({-1.F, 1.F}).reshape({1, 2})}),
            std::pair(-1.0, -1.0));
  // hidden = relu(x1 + x2, x1 - x2) = (0, 3) and (3.5, 2.5); sqrt(2 / 2) * (10 h1 + h2).
  EXPECT_EQ(values({.function = Relu2nnRegression{.hidden_width = 2}, .n_dims = 2},
                   {at::tensor({1.F, 1.F, 1.F, -1.F}).reshape({1, 2, 2}),
                    at::tensor({10.F, 1.F}).reshape({1, 2, 1})}),
            std::pair(3.0, 37.5));
}

TEST(FunctionClasses, TreeGoesRightAboveZeroOnly) {
  // Root asks coordinate 0; its left child coordinate 1, its right child coordinate 0 again.
  const TaskConfig config{.function = DecisionTree{.depth = 2}, .n_dims = 2};
  const at::Tensor coordinates = at::tensor({0, 1, 0}, at::kLong).reshape({1, 3});
  const at::Tensor leaves = at::tensor({10.F, 11.F, 12.F, 13.F}).reshape({1, 4});
  const at::Tensor xs = at::tensor({-1.F, -1.F, -1.F, 1.F, 1.F, -1.F, 0.F, 0.F, 0.F, 1e-30F});
  const at::Tensor ys = with(config, {coordinates, leaves}).values(xs.reshape({1, 5, 2}));
  EXPECT_TRUE(at::equal(ys, at::tensor({10.F, 11.F, 13.F, 10.F, 11.F}).reshape({1, 5})));
}

TEST(FunctionClasses, HaveThePublishedPower) {
  EXPECT_NEAR(power({.function = LinearRegression{}}), 20, 0.7);
  EXPECT_NEAR(power({.function = LinearRegression{.scale = 2}}), 80, 2.8);
  EXPECT_NEAR(power({.function = SparseLinearRegression{}}), 3, 0.2);
  EXPECT_NEAR(power({.function = QuadraticRegression{}}), 20, 1.4);
  EXPECT_NEAR(power({.function = LinearClassification{}}), 1, 1e-9);
  EXPECT_NEAR(power({.function = Relu2nnRegression{.hidden_width = 30}}), 20, 1.0);
  EXPECT_NEAR(power({.function = DecisionTree{}}), 1, 0.05);
}

TEST(FunctionClasses, SparseWeightsUseOnlyTheDimensionsOfTheCurriculum) {
  const TaskConfig config{.function = SparseLinearRegression{}};
  const at::Tensor w = Functions(config, kStream, 6000, 5).parameters()[0];
  EXPECT_TRUE(at::equal((w != 0).sum(1), at::full({6000}, 3, at::kLong)));
  EXPECT_EQ((w.slice(1, 5) != 0).sum().item<int64_t>(), 0);
  const at::Tensor uses = (w.slice(1, 0, 5) != 0).sum(0).to(at::kDouble);
  EXPECT_LT((uses - 3600).abs().max().item<double>(), 4 * 38);  // binomial(6000, 0.6)
  const at::Tensor chosen = w.masked_select(w != 0).to(at::kDouble);
  EXPECT_NEAR(chosen.square().mean().item<double>(), 1, 0.05);
}

TEST(FunctionClasses, TreesAreFullAndTheirCoordinatesUniform) {
  const TaskConfig config{.function = DecisionTree{}};
  const Functions trees(config, kStream, 4000, 20);
  EXPECT_EQ(trees.parameters()[0].sizes(), (at::IntArrayRef{4000, 15}));
  EXPECT_EQ(trees.parameters()[1].sizes(), (at::IntArrayRef{4000, 16}));
  const at::Tensor counts = at::bincount(trees.parameters()[0].flatten()).to(at::kDouble);
  EXPECT_EQ(counts.numel(), 20);
  EXPECT_LT((counts - 3000).abs().max().item<double>(), 5 * 54);
  // Leaf use: a path that turns one way only is followed with chance 2^-(distinct coordinates). Of
  // four out of 20, 4, 3, 2, 1 are distinct with chance .72675, .2565, .016625, .000125: in all
  // .08170 for the outermost leaves rather than 1/16.
  const at::Tensor index = at::arange(16, at::kFloat).expand({4000, 16}).contiguous();
  const at::Tensor reached = with(config, {trees.parameters()[0], index})
                                 .values(RandomStream(3, "xs").normal({4000, 10, 20}));
  const at::Tensor use =
      at::bincount(reached.flatten().to(at::kLong), {}, 16).to(at::kDouble) / 40000.0;
  EXPECT_NEAR(use[0].item<double>(), 0.0817, 0.006);
  EXPECT_NEAR(use[15].item<double>(), 0.0817, 0.006);
  EXPECT_GT(use.min().item<double>(), 0.04);
}

TEST(FunctionClasses, NoiseIsAddedAndRenormalisedOverTheBatch) {
  TaskConfig config{.function = NoisyLinearRegression{.noise_std = 0.5}};
  const at::Tensor xs = RandomStream(3, "xs").normal({2000, 10, 20});
  const Functions noisy(config, kStream, 2000, 20);
  const at::Tensor noise = (noisy.observe(xs) - noisy.values(xs)).to(at::kDouble);
  EXPECT_NEAR(noise.std().item<double>(), 0.5, 0.01);
  EXPECT_NEAR(noise.mean().item<double>(), 0, 0.015);
  const double between_points = (noise.select(1, 0) * noise.select(1, 1)).mean().item<double>();
  EXPECT_NEAR(between_points, 0, 0.025);

  config.function.as<NoisyLinearRegression>().renormalize_ys = true;
  const at::Tensor ys = Functions(config, kStream, 2000, 20).observe(xs);
  EXPECT_NEAR(ys.to(at::kDouble).std().item<double>(), std::sqrt(20.0), 1e-4);
  const at::Tensor ratio = ys / noisy.observe(xs);
  EXPECT_LT((ratio - ratio[0][0]).abs().max().item<double>(), 1e-3);
}

TEST(FunctionTable, JudgesByTheRightLossAndNormaliser) {
  const at::Tensor predictions = at::tensor({1.F, -2.F}).reshape({1, 2});
  const at::Tensor ys = at::tensor({-1.F, -1.F}).reshape({1, 2});
  const Function linear = LinearRegression{};
  EXPECT_FLOAT_EQ(linear->loss(predictions, ys).item<float>(), 2.5F);
  EXPECT_TRUE(at::equal(linear->error(predictions, ys), at::tensor({4.F, 1.F}).reshape({1, 2})));
  const Function labels = LinearClassification{};
  const double expected = (std::log1p(std::exp(1.0)) + std::log1p(std::exp(-2.0))) / 2;
  EXPECT_NEAR(labels->loss(predictions, ys).item<double>(), expected, 1e-6);
  EXPECT_TRUE(at::equal(labels->error(predictions, ys), at::tensor({1.F, 0.F}).reshape({1, 2})));
  // A guess is right half of the time.
  EXPECT_TRUE(at::equal(labels->error(at::zeros({1, 2}), ys), at::full({1, 2}, 0.5)));
  EXPECT_EQ(linear->traits(20).normaliser.value, 20);
  const Function sparse = SparseLinearRegression{.sparsity = 3};
  EXPECT_EQ(sparse->traits(20).normaliser.name, "k");
  EXPECT_EQ(sparse->traits(20).normaliser.value, 3);
  EXPECT_EQ(Function(DecisionTree{})->traits(20).normaliser.value, 1);
}

TEST(FunctionTable, AnswersAnUnknownNameWithTheNearest) {
  try {
    tasks().make("decision_trees");
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("did you mean 'decision_tree'?"), std::string::npos);
  }
}

}  // namespace
}  // namespace icl
