// SPDX-License-Identifier: Apache-2.0
#include "icl/evaluation/baselines.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "icl/base/error.h"
#include "icl/base/random.h"
#include "src/evaluation/baselines/gd_network.h"

namespace icl {
namespace {

at::Tensor tensor(const std::vector<double>& values) {
  return at::tensor(values, at::kDouble);
}

// Points 0 and 1 are parallel: until point 2 the rank is 1, and y is not on the line (1, 3).
BaselineInput prompt() {
  return {tensor({1, 2, 0,  2, 4, 0, -1, 1,   0.5,  0.5,  -1,    1.5,
                  3, 0, -1, 1, 1, 1, -2, 0.5, 0.25, 0.75, -0.25, 2})
              .view({1, 8, 3}),
          tensor({1, 3, -2, 0.5, 4, 2, -1, 0.25}).view({1, 8})};
}

at::Tensor predict(const std::string& name, const BaselineInput& input,
                   const BaselineOptions& options = {}) {
  return select_baselines({name}).front().predict(input, options);
}

void expect_predictions(const std::string& name, const std::vector<double>& expected,
                        double tolerance = 1e-9, const BaselineOptions& options = {}) {
  const at::Tensor predictions = predict(name, prompt(), options)[0];
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(predictions[static_cast<int64_t>(i)].item<double>(), expected[i], tolerance)
        << name << " after " << i << " points";
  }
}

// P prompts of K points of a linear function in D dimensions.
BaselineInput linear_prompts(int64_t prompts, int64_t points, int64_t dims, double noise = 0) {
  const RandomStream stream(7, "baselines test");
  const at::Tensor xs = stream.child("xs").normal({prompts, points, dims});
  const at::Tensor w = stream.child("w").normal({prompts, dims, 1});
  const at::Tensor e = stream.child("noise").normal({prompts, points});
  return {xs, at::bmm(xs, w).squeeze(2) + noise * e};
}

at::Tensor mean_error(const std::string& name, const BaselineInput& input,
                      const BaselineOptions& options = {}) {
  return (predict(name, input, options) - input.ys_BK).square().mean(0) /
         static_cast<double>(input.xs_BKD.size(2));
}

// numpy.linalg.lstsq(X[:i], y[:i], rcond=None) in float64, numpy 2.
TEST(Baselines, LeastSquaresIsThatOfMinimumNorm) {
  expect_predictions("least_squares",
                     {0, 2, 0.28, 0.0804878049, 5.4, 1.2255244755, -2.8742286751, 0.9532763244});
}

// By hand: the first two points say w = (0.28, 0.56, 0) by least squares on (1, 2, 0) t = 1.4 t
// / 5.
TEST(Baselines, LeastSquaresIgnoresDuplicatesAndUnusedDimensions) {
  const BaselineInput input = {tensor({1, 0, 1, 0, 1, 0, 2, 0}).view({1, 4, 2}),
                               tensor({1, 2, 3, 0}).view({1, 4})};
  const at::Tensor predictions = predict("least_squares", input)[0];
  EXPECT_DOUBLE_EQ(predictions[1].item<double>(), 1);
  EXPECT_DOUBLE_EQ(predictions[2].item<double>(), 1.5);
  EXPECT_DOUBLE_EQ(predictions[3].item<double>(), 4);
}

// sklearn.linear_model.Ridge(alpha=0.5, fit_intercept=False), scikit-learn 1.x.
TEST(Baselines, RidgeUsesThePenalty) {
  expect_predictions("ridge",
                     {0, 1.8181818182, 0.2745098039, -0.0057581574, 4.4866841452, 1.1708834771,
                      -2.7494863421, 0.8842360643},
                     1e-9, {.ridge_penalty = 0.5});
}

TEST(Baselines, AveragingAndZero) {
  expect_predictions("averaging", {0, 10, 3.5, -3, 7, 5.7, -6.71875, 1.5267857143});
  expect_predictions("zero", {0, 0, 0, 0, 0, 0, 0, 0});
}

// numpy: mean of y over the first three of argsort(distance, kind="stable").
TEST(Baselines, NearestNeighbours) {
  expect_predictions("nearest_3", {0, 1, 2, 2. / 3, 1.5, -1. / 6, 1. / 6, 1. / 6});
}

TEST(Baselines, NearestNeighboursPreferTheEarlierOfTwo) {
  // Four points at distance 1 from the last.
  const BaselineInput input = {tensor({1, 0, 0, 1, -1, 0, 0, -1, 0, 0}).view({1, 5, 2}),
                               tensor({1, 2, 4, 8, 0}).view({1, 5})};
  EXPECT_DOUBLE_EQ(predict("nearest_3", input)[0][4].item<double>(), 7. / 3);
}

// sklearn.linear_model.Lasso(alpha, fit_intercept=False, tol=1e-14, max_iter=10**6).
TEST(Baselines, LassoReachesTheMinimum) {
  expect_predictions(
      "lasso_1", {0, 1, 0.6, 0.5, 2.3793103448, 1.0655737705, -2.1230769231, 0.6759259259}, 1e-7);
  expect_predictions("lasso_0.1",
                     {0, 1.9, 0.69, 0.9, 4.4581818182, 1.3574351978, -2.7876923077, 0.8520072134},
                     1e-7);
  expect_predictions(
      "lasso_0.001",
      {0, 1.999, 0.6999, 1.098, 5.3905818182, 1.2269028131, -2.8724733212, 0.949378482}, 1e-7);
}

// sklearn.linear_model.lars_path(method='lasso', alpha_min=alpha), which is exact: descent crawls
// where there are fewer points than dimensions.
TEST(Baselines, LassoReachesTheMinimumWithFewerPointsThanDimensions) {
  const BaselineInput input = {
      tensor({1, 2, -1, 0.5, 2, -1, 3, 1, 1, 1, 0.25, -2, 1, -1, 1, 1}).view({1, 4, 4}),
      tensor({1, 2, -3, 0}).view({1, 4})};
  const at::Tensor expected = tensor({0, -0.499975, 0.99996, 1.79990025});
  EXPECT_TRUE(at::allclose(predict("lasso_0.0001", input)[0], expected, 0, 1e-9));
}

// sklearn.tree.DecisionTreeRegressor on one dimension, where no two splits are tied.
TEST(Baselines, TreesSplitWhereTheSquaredErrorFallsMost) {
  const BaselineInput input = {tensor({1.2, 2.4, -0.9, 0.4, 3, 1.1, -1.95, 0.725}).view({1, 8, 1}),
                               prompt().ys_BK};
  const at::Tensor expected = tensor({0, 1, 1, 1, 3, 1, -2, 0.5});
  EXPECT_TRUE(at::allclose(predict("tree", input)[0], expected, 1e-12, 1e-12));
  EXPECT_TRUE(at::allclose(predict("tree_4", input)[0], expected, 1e-12, 1e-12));
}

// 32 points of y = x need 5 levels to be told apart; depth 4 leaves pairs.
TEST(Baselines, TreeOfDepthFourStopsThere) {
  at::Tensor xs = at::arange(33, at::kDouble);
  xs[32] = 0;
  const BaselineInput input = {xs.view({1, 33, 1}), xs.view({1, 33})};
  EXPECT_DOUBLE_EQ(predict("tree", input)[0][32].item<double>(), 0);
  EXPECT_DOUBLE_EQ(predict("tree_4", input)[0][32].item<double>(), 0.5);
}

TEST(Baselines, TreesTakeTheFirstOfTiedSplits) {
  // Either dimension tells the two points apart; the query agrees with each of them in one.
  const BaselineInput input = {tensor({0, 0, 1, 1, 0, 1}).view({1, 3, 2}),
                               tensor({-1, 1, 0}).view({1, 3})};
  EXPECT_DOUBLE_EQ(predict("tree", input)[0][2].item<double>(), -1);
}

// xgboost.XGBRegressor() of xgboost 1.7.4.
TEST(Baselines, XgboostEqualsItsPythonInterface) {
  if (baselines().find("xgboost") == nullptr) GTEST_SKIP() << "built without libxgboost";
  expect_predictions("xgboost",
                     {0, 0.9999998212, 1.0009224415, 1.0000445843, 2.9989376068, 1.0000493526,
                      -1.9989465475, 1.9995080233},
                     1e-6);
}

// numpy, by the recurrences themselves.
TEST(Baselines, IterativeSolversFollowTheirRecurrences) {
  expect_predictions(
      "gd_3", {0, 2, 0.28, -0.4559712562, 3.0286988379, 1.6331742347, -2.9495684342, 0.7896578079});
  expect_predictions("newton_3", {0, 2, 0.28, -0.3710675872, 0.9687994741, 1.0002257639,
                                  -1.9485309659, 0.4521700929});
  const BaselineInput input = linear_prompts(4, 30, 5);
  EXPECT_TRUE(
      at::allclose(predict("newton_40", input), predict("least_squares", input), 1e-4, 1e-4));
}

// numpy: five steps of Adam at 0.05, gradients by complex steps.
TEST(Baselines, NetworksTakeAdamSteps) {
  const at::Tensor parameters =
      tensor({0.5, -0.25, 0.75, -0.5, 1.0, 0.25, 0.1, -0.2, 0.3, 1.0, -0.5, 0.25, 0.05});
  NetworkBatch networks(parameters.unsqueeze(0), /*n_dims=*/2, /*hidden=*/3);
  const at::Tensor inputs = tensor({1, 2, 1, -1, 0.5, 1, 0.25, -2, 1}).view({1, 3, 3});
  const at::Tensor targets = tensor({1, -0.5, 2}).view({1, 3});
  for (int step = 0; step < 5; ++step) {
    networks.step(inputs, targets, at::full({1, 3}, 1. / 3, at::kDouble), 0.05);
  }
  const at::Tensor expected =
      tensor({0.68509538, -0.48394647, 0.98315761, -0.6850954, 0.78713053, 0.48315761, 0.2850954,
              -0.38214208, 0.53315761, 1.1837276, -0.29586816, 0.48084808, 0.23193768});
  EXPECT_TRUE(at::allclose(networks.parameters()[0], expected, 0, 1e-7)) << networks.parameters();
  EXPECT_TRUE(at::allclose(networks.predict(inputs)[0],
                           tensor({1.21618006, 0.08537357, 2.39408722}), 0, 1e-6));
}

// The closed forms for isotropic inputs and unit weights: 1 - n/d and 0 from n = d for least
// squares, (d + 1) / n for averaging.
TEST(Baselines, ErrorsFollowTheClosedForms) {
  const BaselineInput input = linear_prompts(3000, 25, 10);
  const at::Tensor squares = mean_error("least_squares", input);
  for (const int64_t n : {0, 2, 5, 8}) {
    EXPECT_NEAR(squares[n].item<double>(), 1 - static_cast<double>(n) / 10, 0.06) << n;
  }
  EXPECT_LT(squares.narrow(0, 11, 14).max().item<double>(), 1e-6);
  const at::Tensor averaging = mean_error("averaging", input);
  for (const int64_t n : {5, 10, 20}) {
    EXPECT_NEAR(averaging[n].item<double>() * static_cast<double>(n) / 11, 1, 0.12) << n;
  }
}

// Noise of variance 1 on y: (1 + d / (n - d - 1)) / d for least squares once n > d + 1; ridge with
// the noise's own penalty is better everywhere.
TEST(Baselines, NoiseSetsTheFloor) {
  const BaselineInput input = linear_prompts(3000, 41, 10, /*noise=*/1);
  const at::Tensor squares = mean_error("least_squares", input);
  const at::Tensor ridge = mean_error("ridge", input, {.ridge_penalty = 1});
  for (const int64_t n : {16, 25, 40}) {
    const double expected = (1 + 10. / static_cast<double>(n - 11)) / 10;
    EXPECT_NEAR(squares[n].item<double>() / expected, 1, 0.15) << n;
  }
  for (int64_t n = 2; n < 30; ++n) {
    EXPECT_LT(ridge[n].item<double>(), squares[n].item<double>()) << n;
  }
}

TEST(Baselines, NetworksLearn) {
  const BaselineInput input = linear_prompts(3, 24, 4);
  const at::Tensor whole = predict("gd_network", input, {.seed = 5});
  EXPECT_FALSE(at::allclose(whole, predict("gd_network", input, {.seed = 6}), 1e-3, 1e-3));
  const double error = (whole - input.ys_BK).square().narrow(1, 16, 8).mean().item<double>();
  EXPECT_LT(error, 0.6 * input.ys_BK.square().narrow(1, 16, 8).mean().item<double>());
}

// The same bytes for a prompt alone, in a call of other prompts, and with any number of threads.
TEST(Baselines, PredictionsDoNotDependOnCallsNeighboursOrThreads) {
  const BaselineInput input = linear_prompts(5, 21, 4);
  std::vector<std::string> names = baselines().names();
  names.insert(names.end(), {"gd_3", "newton_5"});
  const int threads = at::get_num_threads();
  for (const std::string& name : names) {
    at::set_num_threads(1);
    const at::Tensor whole = predict(name, input, {.seed = 5});
    for (const int count : {1, 2, 4}) {
      at::set_num_threads(count);
      EXPECT_TRUE(at::equal(predict(name, input, {.seed = 5}), whole)) << name << ", " << count;
      for (const int64_t first : {0, 3}) {
        const int64_t size = first == 0 ? 3 : 1;
        const BaselineInput some = {input.xs_BKD.narrow(0, first, size),
                                    input.ys_BK.narrow(0, first, size)};
        const at::Tensor part = predict(name, some, {.seed = 5});
        EXPECT_TRUE(at::equal(part, whole.narrow(0, first, size)))
            << name << ", " << size << " prompts from " << first << ", " << count << " threads";
      }
    }
  }
  at::set_num_threads(threads);
}

TEST(Baselines, ReportTheirProgressAndStopWhenAsked) {
  const BaselineInput input = linear_prompts(3, 9, 2);
  for (const Baseline& baseline : baselines().records()) {
    if (baseline.name == "zero" || baseline.name == "last_y") continue;  // too quick to report
    double last = 0;
    baseline.predict(input, {.progress = [&](double share) { last = share; }});
    EXPECT_DOUBLE_EQ(last, 1) << baseline.name;
    const BaselineOptions stopping = {.progress = [](double) { throw std::runtime_error("stop"); }};
    EXPECT_THROW(baseline.predict(input, stopping), std::runtime_error) << baseline.name;
  }
}

TEST(Baselines, PredictAtQueriesFromThePointsBefore) {
  BaselineInput input = linear_prompts(2, 12, 3);
  input.queries_BKD = input.xs_BKD * -1;
  EXPECT_TRUE(at::allclose(predict("least_squares", input),
                           -predict("least_squares", {input.xs_BKD, input.ys_BK})));
  // What comes later plays no part.
  BaselineInput other = input;
  other.ys_BK = input.ys_BK.clone();
  other.ys_BK.narrow(1, 6, 6).fill_(100);
  for (const Baseline& baseline : baselines().records()) {
    EXPECT_TRUE(at::equal(baseline.predict(input, {}).narrow(1, 0, 7),
                          baseline.predict(other, {}).narrow(1, 0, 7)))
        << baseline.name;
  }
}

TEST(Baselines, TheTableIsOpen) {
  static const bool added = [] {
    baselines().add({.name = "last_y",
                     .description = "the y before",
                     .predict = [](const BaselineInput& input, const BaselineOptions&) {
                       at::Tensor ys = input.ys_BK.roll(1, 1);
                       ys.select(1, 0).zero_();
                       return ys;
                     }});
    return true;
  }();
  EXPECT_TRUE(added);
  expect_predictions("last_y", {0, 1, 3, -2, 0.5, 4, 2, -1});
  EXPECT_THROW(baselines().add({.name = "last_y"}), UsageError);
  EXPECT_THROW(baselines().add({.name = "a/b"}), UsageError);
  EXPECT_EQ(select_baselines({"last_y", "zero", "last_y"}).size(), 2U);
}

TEST(Baselines, ATaskNamesItsOwn) {
  std::vector<LeftOut> left_out;
  FunctionTraits traits = default_traits();
  traits.baselines = {"tree", "xgboost"};
  const std::vector<Baseline> chosen = baselines_of(traits, left_out);
  EXPECT_EQ(chosen.front().name, "tree");
  EXPECT_EQ(chosen.size() + left_out.size(), 2U);  // a build may lack xgboost
  traits.baselines = {"xgbost"};
  EXPECT_THROW(baselines_of(traits, left_out), UsageError);
}

TEST(Baselines, RidgeTakesNoiseOverWeightVariance) {
  FunctionTraits traits = default_traits();
  traits.weight_variance = 4;
  EXPECT_DOUBLE_EQ(bayes_ridge_penalty(traits), 1);
  traits.noise_std = 3;
  EXPECT_DOUBLE_EQ(bayes_ridge_penalty(traits), 9. / 4);
}

TEST(Baselines, RefusesWhatItCannotUse) {
  EXPECT_THROW(select_baselines({"leastsquares"}), UsageError);
  BaselineInput input = linear_prompts(2, 4, 3);
  input.ys_BK[1][2] = std::nan("");
  EXPECT_THROW(predict("averaging", input), DataError);
}

}  // namespace
}  // namespace icl
