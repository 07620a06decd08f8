// SPDX-License-Identifier: Apache-2.0
#include "icl/probing/references.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "icl/base/error.h"
#include "icl/base/random.h"

namespace icl {
namespace {

struct Problem {
  at::Tensor xs = RandomStream(1, "xs").normal({2, 9, 4}).to(at::kDouble);
  at::Tensor ys = RandomStream(1, "ys").normal({2, 9}).to(at::kDouble);
  at::Tensor queries = RandomStream(1, "queries").normal({2, 5, 4}).to(at::kDouble);
  Spectrum spectrum{xs, ys};
};

at::Tensor times(const at::Tensor& matrix, const at::Tensor& vector_BD) {
  return at::bmm(matrix, vector_BD.unsqueeze(2)).squeeze(2);
}

// Gradient descent as written in a text book.
at::Tensor descend(const at::Tensor& xs, const at::Tensor& ys, const at::Tensor& step_B,
                   int steps) {
  at::Tensor w = at::zeros({xs.size(0), xs.size(2)}, at::kDouble);
  for (int t = 0; t < steps; ++t) {
    const at::Tensor residual = times(xs, w) - ys;
    w = w - step_B.unsqueeze(1) * times(xs.transpose(1, 2), residual) / xs.size(1);
  }
  return w;
}

at::Tensor optimal_step(const at::Tensor& xs) {
  const at::Tensor values = at::linalg_eigvalsh(at::bmm(xs.transpose(1, 2), xs) / xs.size(1));
  return 2 / (values.select(1, 0) + values.select(1, -1));
}

TEST(References, OneDimensionIsSolvedInOneStep) {
  // x = (1, 2), y = (3, 5): w = 13 / 5.
  const at::Tensor xs = at::tensor({1.0, 2.0}).reshape({1, 2, 1});
  const at::Tensor ys = at::tensor({3.0, 5.0}).reshape({1, 2});
  const Spectrum spectrum(xs, ys);
  EXPECT_NEAR(spectrum.values_BD.item<double>(), 2.5, 1e-12);
  const at::Tensor gd = make_reference("gd", 2).weights(spectrum);
  EXPECT_EQ(gd[0].item<double>(), 0);
  EXPECT_NEAR(gd[1].item<double>(), 2.6, 1e-12);
  EXPECT_NEAR(gd[2].item<double>(), 2.6, 1e-12);
  EXPECT_NEAR(make_reference("newton", 1).weights(spectrum)[0].item<double>(), 2.6, 1e-12);
  // (2.5 + 100)^-1 6.5
  EXPECT_NEAR(make_reference("ridge", 1).weights(spectrum)[0].item<double>(), 6.5 / 102.5, 1e-12);
}

TEST(References, GradientDescentTakesItsSteps) {
  const Problem p;
  const at::Tensor weights = make_reference("gd", 6).weights(p.spectrum);
  for (const int t : {1, 2, 6}) {
    EXPECT_TRUE(at::allclose(weights[t], descend(p.xs, p.ys, optimal_step(p.xs), t), 1e-9, 1e-12));
  }
  const at::Tensor said = make_reference("gd", 6).predict(p.spectrum, p.queries);
  EXPECT_TRUE(at::allclose(said[3], times(p.queries, weights[3]), 1e-9, 1e-12));
}

TEST(References, PreconditionedDescentUsesTransformedInputs) {
  const Problem p;
  const double gamma = 0.01;
  const at::Tensor h = at::eye(4, at::kDouble) - gamma * at::bmm(p.xs.transpose(1, 2), p.xs);
  const at::Tensor w = descend(at::bmm(p.xs, h), p.ys, optimal_step(p.xs), 5);
  const at::Tensor expected = times(at::bmm(p.queries, h), w);
  const at::Tensor said = make_reference("gd++", 5, gamma).predict(p.spectrum, p.queries)[5];
  EXPECT_TRUE(at::allclose(said, expected, 1e-9, 1e-12));
}

TEST(References, NewtonSquaresTheResidualAndReachesLeastSquares) {
  const Problem p;
  const at::Tensor a = at::bmm(p.xs.transpose(1, 2), p.xs) / 9;
  const at::Tensor b = times(p.xs.transpose(1, 2), p.ys) / 9;
  const at::Tensor top = at::linalg_eigvalsh(a).select(1, -1).reshape({2, 1, 1});
  at::Tensor m = a / top.square();
  const at::Tensor weights = make_reference("newton", 20).weights(p.spectrum);
  for (int64_t k = 0; k <= 4; ++k) {
    EXPECT_TRUE(at::allclose(weights[k], times(m, b), 1e-8, 1e-10)) << k;
    m = 2 * m - at::bmm(at::bmm(m, a), m);
  }
  const at::Tensor solution = std::get<0>(at::linalg_lstsq(p.xs, p.ys.unsqueeze(2))).squeeze(2);
  EXPECT_TRUE(at::allclose(weights[20], solution, 1e-8, 1e-10));
  const at::Tensor path = make_reference("ridge", 0).weights(p.spectrum);
  EXPECT_LT(path[0].abs().max().item<double>(), 0.05);
  EXPECT_TRUE(at::allclose(path[path.size(0) - 1], solution, 1e-3, 1e-4));
}

TEST(References, GammaIsTheBestOfThePublishedGrid) {
  const at::Tensor xs = RandomStream(2, "xs").normal({8, 40, 20});
  const at::Tensor w = RandomStream(2, "w").normal({8, 20, 1});
  const at::Tensor ys = at::bmm(xs, w).squeeze(2);
  const at::Tensor queries = RandomStream(2, "queries").normal({8, 30, 20});
  const at::Tensor targets = at::bmm(queries, w).squeeze(2);
  const Spectrum spectrum(xs, ys);
  const auto error = [&](double gamma) {
    const at::Tensor said = make_reference("gd++", 22, gamma).predict(spectrum, queries)[22];
    return (said - targets).square().mean().item<double>();
  };
  const GammaSearch search = search_gamma(spectrum, queries, targets);
  EXPECT_DOUBLE_EQ(search.low, 1e-6);
  EXPECT_DOUBLE_EQ(search.high, 1e-3);
  EXPECT_GE(search.gamma, 1e-6);
  EXPECT_LE(search.gamma, 1e-3 * (1 + 1e-9));
  for (const double other : {1e-6, 1e-5, 1e-4, 1e-3}) {
    EXPECT_LE(error(search.gamma), error(other) + 1e-12);
  }
}

// Five points in five dimensions: X^T X is smaller than of the published size, and gamma larger.
TEST(References, TheGridOfGammaGrowsWithSmallPrompts) {
  const at::Tensor xs = RandomStream(2, "xs").normal({64, 5, 5});
  const at::Tensor w = RandomStream(2, "w").normal({64, 5, 1});
  const at::Tensor queries = RandomStream(2, "queries").normal({64, 30, 5});
  const Spectrum spectrum(xs, at::bmm(xs, w).squeeze(2));
  const at::Tensor targets = at::bmm(queries, w).squeeze(2);
  const GammaSearch search = search_gamma(spectrum, queries, targets);
  EXPECT_GT(search.gamma, 1e-3);
  EXPECT_FALSE(search.at_edge);
  EXPECT_GT(search.high, search.gamma);
  // After one step predictions are too small for these targets, and every gamma makes them smaller.
  const GammaSearch none = search_gamma(spectrum, queries, 1000 * targets, /*iterations=*/1);
  EXPECT_TRUE(none.at_edge);
}

TEST(References, AnswerAnUnknownName) {
  EXPECT_THROW(make_reference("newtn", 3), UsageError);
}

}  // namespace
}  // namespace icl
