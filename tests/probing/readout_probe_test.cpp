// SPDX-License-Identifier: Apache-2.0
#include "icl/probing/readout_probe.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "icl/base/error.h"
#include "icl/base/random.h"
#include "icl/tasks/quadrant_inputs.h"
#include "icl/tasks/rotated_inputs.h"
#include "tests/probing/descent_model.h"
#include "tests/support/small_models.h"

namespace icl {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Lt;

TaskConfig skewed_task() {
  TaskConfig task{.n_dims = 5};
  task.inputs.distribution = SkewedInputs{};
  return task;
}

ReadoutOptions small_options() {
  ReadoutOptions options;
  options.counts = {.prompts = 24, .context = 15, .queries = 8};
  options.normaliser = 5;
  options.resamples = 200;
  return options;
}

const Match& match_of(const ReadoutResult& result, const std::string& reference) {
  for (const Match& match : result.matches) {
    if (match.reference == reference && match.curve == "raw") return match;
  }
  throw std::out_of_range(reference);
}

std::shared_ptr<RegressionModel> random_model(const std::string& family) {
  return testing::small_model(family, /*n_dims=*/5, /*d_model=*/32, /*n_layer=*/3);
}

TEST(ReadoutProbe, RecognisesLayersThatDescendTheGradient) {
  DescentModel model(5, 4);
  ReadoutOptions options = small_options();
  options.references = {"gd", "newton", "ridge"};
  const ReadoutResult result = probe_readout(model, skewed_task(), 0, options);
  const Match& match = match_of(result, "gd");
  EXPECT_THAT(match.step, ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(match.low, match.step);
  EXPECT_EQ(match.high, match.step);
  EXPECT_THAT(match.distance, Each(Lt(1e-8)));
  EXPECT_GT(match_of(result, "newton").distance[3], 1e-6);
  // Newton and ridge are nearest somewhere else than gradient descent, and their intervals hold the
  // nearest step.
  for (const Match& each : result.matches) {
    for (size_t layer = 0; layer < 4; ++layer) {
      EXPECT_LE(each.low[layer], each.step[layer]) << each.reference << " " << each.curve;
      EXPECT_GE(each.high[layer], each.step[layer]) << each.reference << " " << each.curve;
    }
  }
  const Profile& raw = result.curves[1];
  const Profile& gd = result.references[0].error;
  for (size_t layer = 0; layer < 4; ++layer) {
    EXPECT_NEAR(raw.mean[layer], gd.mean[layer + 1], 1e-5);
    EXPECT_LE(raw.low[layer], raw.mean[layer]);
    EXPECT_GE(raw.high[layer], raw.mean[layer]);
  }
  // The zero predictor: E[y^2] / d = 1.
  EXPECT_NEAR(gd.mean[0], 1, 0.6);
}

// After one layer the prediction of a one-dimensional task is already right: scale 1, shift 0.
TEST(ReadoutProbe, FitsScaleAndShift) {
  DescentModel model(1, 1);
  class Shifted : public DescentModel {
   public:
    using DescentModel::DescentModel;
    Residuals observe(const at::Tensor& xs, const at::Tensor& ys, const at::Tensor& q) override {
      Residuals residuals = DescentModel::observe(xs, ys, q);
      residuals.predictions_BQ = decode(residuals.queries.back());
      return residuals;
    }
    at::Tensor decode(const at::Tensor& residual) override {
      return DescentModel::decode(residual) * 4 + 2;
    }
  } shifted(1, 1);
  const TaskConfig task{.n_dims = 1};
  const ReadoutResult plain = probe_readout(model, task, 0, small_options());
  EXPECT_NEAR(plain.fits[0].mean[0], 1, 1e-4);
  EXPECT_NEAR(plain.fits[1].mean[0], 0, 1e-4);
  const ReadoutResult result = probe_readout(shifted, task, 0, small_options());
  EXPECT_NEAR(result.fits[0].mean[0], 0.25, 1e-4);
  EXPECT_NEAR(result.fits[1].mean[0], -0.5, 1e-4);
  EXPECT_LT(result.curves[0].mean[0], 1e-8);
  EXPECT_GT(result.curves[1].mean[0], 0.1);
}

TEST(ReadoutProbe, OnePassAgreesWithAPromptForEachQuery) {
  for (const std::string& family : families().names()) {
    const auto model = random_model(family);
    const at::Tensor xs = RandomStream(1, "xs").normal({3, 7, 5});
    const at::Tensor ys = RandomStream(1, "ys").normal({3, 7});
    const at::Tensor queries = RandomStream(1, "queries").normal({3, 4, 5});
    RegressionProbe probe(*model);
    const Residuals residuals = probe.observe(xs, ys, queries);
    ASSERT_EQ(residuals.queries.size(), 3U);
    EXPECT_EQ(residuals.context[0].sizes(), (at::IntArrayRef{3, 14, 32}));
    const at::NoGradGuard no_grad;
    for (int64_t q = 0; q < 4; ++q) {
      const at::Tensor whole = at::cat({xs, queries.narrow(1, q, 1)}, 1);
      std::vector<at::Tensor> taps;
      const at::Tensor said =
          model->predict(whole, at::constant_pad_nd(ys, {0, 1}),
                         [&](int64_t, const at::Tensor& residual) { taps.push_back(residual); });
      EXPECT_TRUE(
          at::allclose(residuals.predictions_BQ.select(1, q), said.select(1, 7), 1e-4, 1e-5));
      for (size_t layer = 0; layer < taps.size(); ++layer) {
        EXPECT_TRUE(at::allclose(residuals.queries[layer].select(1, q), taps[layer].select(1, 14),
                                 1e-4, 1e-5))
            << family << " layer " << layer;
      }
    }
  }
}

// What is observed of a prompt alone, in company, and at another place of a chunk: the same bytes.
TEST(ReadoutProbe, WhatIsObservedOfAPromptDoesNotDependOnOthers) {
  for (const std::string& family : families().names()) {
    const auto model = random_model(family);
    const at::Tensor xs = RandomStream(1, "xs").normal({11, 7, 5});
    const at::Tensor ys = RandomStream(1, "ys").normal({11, 7});
    const at::Tensor queries = RandomStream(1, "queries").normal({11, 30, 5});
    RegressionProbe probe(*model);
    const Residuals all = probe.observe(xs, ys, queries);
    for (const auto& [first, count] : {std::pair<int64_t, int64_t>{0, 1}, {5, 1}, {3, 6}}) {
      const auto part = [&, first = first, count = count](const at::Tensor& whole) {
        return whole.narrow(0, first, count);
      };
      const Residuals some = probe.observe(part(xs), part(ys), part(queries));
      EXPECT_TRUE(at::equal(some.predictions_BQ, part(all.predictions_BQ))) << family;
      for (size_t layer = 0; layer < 3; ++layer) {
        EXPECT_TRUE(at::equal(some.context[layer], part(all.context[layer]))) << family;
        EXPECT_TRUE(at::equal(some.queries[layer], part(all.queries[layer]))) << family;
        EXPECT_TRUE(
            at::equal(probe.decode(some.queries[layer]), part(probe.decode(all.queries[layer]))))
            << family;
      }
    }
  }
}

TEST(ReadoutProbe, ReportsItsProgressAndStopsWithinAPass) {
  const auto model = random_model("mamba");
  int calls = 0;
  RegressionProbe probe(*model, [&] {
    if (++calls == 4) throw std::runtime_error("stop");
  });
  EXPECT_THROW(probe_readout(probe, TaskConfig{.n_dims = 5}, 0, small_options()),
               std::runtime_error);
  EXPECT_EQ(calls, 4);
}

// Inputs whose squares overflow float32: numbers that are not finite, and no defect.
TEST(ReadoutProbe, TakesInputsThatAreTooLargeForTheModel) {
  const auto model = random_model("gpt2");
  RegressionProbe probe(*model);
  TaskConfig task{.n_dims = 5};
  task.inputs.scale = 1e30;
  ReadoutOptions options = small_options();
  options.references = {"gd", "gd++", "newton", "ridge"};
  const ReadoutResult result = probe_readout(probe, task, 0, options);
  EXPECT_EQ(result.curves.size(), 2U);
  EXPECT_EQ(result.references.size(), 4U);
}

TEST(ReadoutProbe, FindsNothingInRandomWeights) {
  for (const std::string& family : families().names()) {
    const auto model = random_model(family);
    RegressionProbe probe(*model);
    ReadoutOptions options = small_options();
    options.counts.prompts = 200;  // |w|^2 / D of few prompts is far from 1 by chance
    const ReadoutResult result = probe_readout(probe, TaskConfig{.n_dims = 5}, 0, options);
    // No better than always predicting zero, whose error is 1.
    for (const Profile& curve : result.curves) {
      for (const double high : curve.high) EXPECT_GT(high, 0.9) << family << " " << curve.name;
    }
  }
}

TEST(ReadoutProbe, IsTheSameEveryTimeAndForEveryTask) {
  const auto model = random_model("gpt2");
  RegressionProbe probe(*model);
  for (const char* function : {"decision_tree", "relu_2nn_regression", "linear_classification"}) {
    const TaskConfig task{.function = tasks().make(function), .n_dims = 5};
    const ReadoutResult first = probe_readout(probe, task, 0, small_options());
    EXPECT_EQ(first.curves[0].low, probe_readout(probe, task, 0, small_options()).curves[0].low);
    ReadoutOptions with_references = small_options();
    with_references.references = {"gd"};
    EXPECT_THROW(probe_readout(probe, task, 0, with_references), UsageError);
  }
}

TEST(ReadoutProbe, NoticesAModelWhoseLastLayerIsNotItsPrediction) {
  class Lying : public DescentModel {
   public:
    using DescentModel::DescentModel;
    at::Tensor decode(const at::Tensor& residual) override {
      return DescentModel::decode(residual) + (++calls_ > 1 ? 0.1 : 0.0);
    }

   private:
    int calls_ = 0;
  } model(5, 2);
  EXPECT_ANY_THROW(probe_readout(model, TaskConfig{.n_dims = 5}, 0, small_options()));
}

TEST(ProbePrompts, ContextOfRandomQuadrantsKeepsItsSignsAndQueriesAreFree) {
  TaskConfig task{.n_dims = 3};
  task.inputs.distribution = QuadrantInputs{};
  const ProbePrompts prompts = sample_probe_prompts(
      task, 0, {.prompts = 20, .context = 6, .queries = 6}, RandomStream(1, "test"));
  const at::Tensor signs = prompts.xs_BKD.sign();
  EXPECT_TRUE(at::equal(signs, signs.narrow(1, 0, 1).expand_as(signs)));
  const at::Tensor free = prompts.queries_BQD.sign();
  EXPECT_FALSE(at::equal(free, free.narrow(1, 0, 1).expand_as(free)));
}

TEST(ProbePrompts, ContextAndQueriesShareFunctionAndCovariance) {
  TaskConfig task{.n_dims = 4};
  task.inputs.distribution = HalfSubspaceInputs{};
  const ProbePrompts prompts = sample_probe_prompts(
      task, 0, {.prompts = 5, .context = 9, .queries = 6}, RandomStream(1, "test"));
  const at::Tensor w = at::bmm(at::linalg_pinv(prompts.xs_BKD, 1e-5), prompts.ys_BK.unsqueeze(2));
  EXPECT_TRUE(at::allclose(at::bmm(prompts.queries_BQD, w).squeeze(2), prompts.ys_BQ, 1e-3, 1e-3));
}

}  // namespace
}  // namespace icl
