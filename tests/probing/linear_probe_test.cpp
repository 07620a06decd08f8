// SPDX-License-Identifier: Apache-2.0
#include "icl/probing/linear_probe.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "icl/base/error.h"
#include "icl/models/gpt2.h"
#include "icl/models/model_config.h"
#include "icl/tasks/decision_tree.h"
#include "tests/probing/descent_model.h"

namespace icl {
namespace {

LinearOptions small_options() {
  LinearOptions options;
  options.n_points = 12;
  options.n_train = 1024;
  options.n_validation = 256;
  options.n_test = 512;
  options.resamples = 200;
  return options;
}

const LinearTarget& find(const LinearResult& result, const std::string& name,
                         const std::string& tokens) {
  for (const LinearTarget& target : result.targets) {
    if (target.name == name && target.tokens == tokens) return target;
  }
  throw std::out_of_range(name);
}

TEST(LinearProbe, ReadsWhatTheModelHoldsAndNothingElse) {
  DescentModel model(5, 3);
  TaskConfig task{.n_dims = 5};
  LinearOptions options = small_options();
  options.targets = {"y", "ridge_prediction", "least_squares_weights"};
  const LinearResult result = probe_linear(model, task, 0, options);
  // The prediction at the query's token nears y layer by layer; a point of the context knows no y.
  const LinearTarget& y = find(result, "y", "x");
  EXPECT_GT(y.r2[0], 0.3);
  EXPECT_GT(y.r2[1], y.r2[0]);
  EXPECT_GT(y.r2[2], 0.8);
  EXPECT_LT(find(result, "y", "y").high[2], 0.05);
  EXPECT_LT(find(result, "least_squares_weights", "x").high[2], 0.1);
  EXPECT_GE(find(result, "y", "both").r2[2], y.r2[2] - 0.02);
  for (const LinearTarget& target : result.targets) {
    for (size_t layer = 0; layer < 3; ++layer) {
      EXPECT_LE(target.low[layer], target.r2[layer]);
      EXPECT_GE(target.high[layer], target.r2[layer]);
      EXPECT_LT(target.control[layer], 0.02) << target.name;
      EXPECT_GT(target.control[layer], -0.05) << target.name;
    }
  }
}

// The moment, written into the stream of every token, is read exactly; so are its linear images.
TEST(LinearProbe, ReadsAMomentThatIsThere) {
  class Holder : public DescentModel {
   public:
    using DescentModel::DescentModel;
    Residuals observe(const at::Tensor& xs, const at::Tensor& ys, const at::Tensor& q) override {
      Residuals residuals = DescentModel::observe(xs, ys, q);
      const at::Tensor moment = at::bmm(ys.unsqueeze(1), xs) / 7;
      residuals.context[0] =
          at::cat({residuals.context[0], moment.expand({-1, 2 * xs.size(1), -1})}, 2);
      residuals.queries[0] = at::cat({residuals.queries[0], moment}, 2);
      return residuals;
    }
  } model(4, 1);
  LinearOptions options = small_options();
  options.targets = {"moment", "gd_1", "least_squares_weights"};
  const LinearResult result = probe_linear(model, TaskConfig{.n_dims = 4}, 0, options);
  for (const char* tokens : {"x", "y", "both"}) {
    EXPECT_GT(find(result, "moment", tokens).low[0], 0.9999);
    EXPECT_GT(find(result, "gd_1", tokens).r2[0], 0.7);  // its step differs from prompt to prompt
    EXPECT_LT(find(result, "least_squares_weights", tokens).r2[0], 0.95);
    EXPECT_GT(find(result, "least_squares_weights", tokens).r2[0], 0.3);
  }
}

TEST(LinearProbe, FindsNoAnswerInRandomWeights) {
  at::manual_seed(3);
  const ModelConfig config{.family = Gpt2Family{.n_head = 4}, .d_model = 32, .n_layer = 2};
  RegressionModel model(config, 5);
  model.eval();
  RegressionProbe probe(model);
  LinearOptions options = small_options();
  options.targets = {"y"};
  const LinearResult result = probe_linear(probe, TaskConfig{.n_dims = 5}, 0, options);
  for (const LinearTarget& target : result.targets) {
    for (size_t layer = 0; layer < 2; ++layer) {
      EXPECT_LT(target.low[layer], target.control_high[layer] + 0.02) << target.tokens;
      EXPECT_LT(target.r2[layer], 0.05) << target.tokens;
    }
  }
}

TEST(LinearProbe, RefusesTargetsThatTheTaskHasNot) {
  DescentModel model(5, 1);
  LinearOptions options = small_options();
  options.targets = {"momnt"};
  EXPECT_THROW(probe_linear(model, TaskConfig{.n_dims = 5}, 0, options), UsageError);
  options.targets = {"gd_x"};
  EXPECT_THROW(probe_linear(model, TaskConfig{.n_dims = 5}, 0, options), UsageError);
  options.targets = {"moment"};
  const TaskConfig tree{.function = DecisionTree{}, .n_dims = 5};
  EXPECT_THROW(probe_linear(model, tree, 0, options), UsageError);
}

}  // namespace
}  // namespace icl
