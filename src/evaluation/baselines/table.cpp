// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <optional>
#include <string_view>

#include "icl/base/error.h"
#include "icl/base/text.h"
#include "icl/evaluation/baselines.h"
#include "src/evaluation/baselines/learners.h"

namespace icl {
namespace {

auto nearest(int64_t k) {
  return [k](const BaselineInput& input, const BaselineOptions& options) {
    return predict_nearest(input, options, k);
  };
}

auto lasso(double alpha) {
  return [alpha](const BaselineInput& input, const BaselineOptions& options) {
    return predict_lasso(input, options, alpha);
  };
}

auto tree(int64_t max_depth) {
  return [max_depth](const BaselineInput& input, const BaselineOptions& options) {
    return predict_tree(input, options, max_depth);
  };
}

// "gd_12", "gd_" -> 12
std::optional<int64_t> number_after(std::string_view name, std::string_view prefix) {
  if (name.substr(0, prefix.size()) != prefix) return std::nullopt;
  int64_t value = 0;
  const char* end = name.data() + name.size();
  const auto result = std::from_chars(name.data() + prefix.size(), end, value);
  if (result.ec != std::errc() || result.ptr != end || value < 0 || value > 1'000'000) {
    return std::nullopt;
  }
  return value;
}

std::optional<Baseline> iterative_solver(const std::string& name) {
  if (const auto steps = number_after(name, "gd_")) {
    return Baseline{name, str(*steps, " steps of gradient descent on the squared error"), false,
                    [steps](const BaselineInput& input, const BaselineOptions& options) {
                      return predict_gradient_descent(input, options, *steps);
                    }};
  }
  if (const auto iterations = number_after(name, "newton_")) {
    return Baseline{name, str(*iterations, " Newton iterations for the inverse of X^T X"), false,
                    [iterations](const BaselineInput& input, const BaselineOptions& options) {
                      return predict_newton(input, options, *iterations);
                    }};
  }
  return std::nullopt;
}

Baseline find_baseline(const std::string& name) {
  std::vector<std::string> known;
  for (const Baseline& baseline : baselines()) {
    if (baseline.name == name) return baseline;
    known.push_back(baseline.name);
  }
  if (auto solver = iterative_solver(name)) return *solver;
  if (name == "xgboost") {
    throw UsageError("baseline 'xgboost': this build of icl was configured without libxgboost");
  }
  throw UsageError(str("unknown baseline '", name, "'", did_you_mean(name, known),
                       " Known: ", join(known), ", gd_<steps>, newton_<iterations>"));
}

}  // namespace

const std::vector<Baseline>& baselines() {
  static const std::vector<Baseline> table = {
      {"zero", "always 0: the trivial line", false, predict_zero},
      {"least_squares", "least squares of minimum norm, no intercept", false,
       predict_least_squares},
      {"ridge", "least squares with the penalty of the task's noise", false, predict_ridge},
      {"averaging", "weights = mean of x y", false, predict_averaging},
      {"nearest_3", "mean over the 3 nearest points", false, nearest(3)},
      {"lasso_1", "L1 penalty 1", false, lasso(1)},
      {"lasso_0.1", "L1 penalty 0.1", false, lasso(0.1)},
      {"lasso_0.01", "L1 penalty 0.01", false, lasso(0.01)},
      {"lasso_0.001", "L1 penalty 0.001", false, lasso(0.001)},
      {"lasso_0.0001", "L1 penalty 0.0001", false, lasso(0.0001)},
      {"gd_network", "2-layer network trained by Adam on the prompt's points", true,
       predict_gd_network},
      {"tree_4", "greedy regression tree of depth 4", false, tree(4)},
      {"tree", "greedy regression tree of any depth", false, tree(-1)},
#ifdef ICL_WITH_XGBOOST
      {"xgboost", "XGBoost with its defaults", true, predict_xgboost},
#endif
  };
  return table;
}

std::vector<Baseline> select_baselines(const std::vector<std::string>& names) {
  std::vector<Baseline> selected;
  for (const std::string& name : names) {
    if (name == "all") {
      selected.insert(selected.end(), baselines().begin(), baselines().end());
    } else {
      selected.push_back(find_baseline(name));
    }
  }
  return selected;
}

std::vector<std::string> paper_baselines(const TaskConfig& task) {
  std::vector<std::string> names = {"zero", "least_squares", "nearest_3", "averaging"};
  if (task.function == "linear_classification") std::erase(names, "least_squares");
  if (task.function == "sparse_linear_regression") {
    for (const char* alpha : {"1", "0.1", "0.01", "0.001", "0.0001"}) {
      names.push_back(str("lasso_", alpha));
    }
  } else if (task.function == "relu_2nn_regression") {
    names.emplace_back("gd_network");
  } else if (task.function == "decision_tree") {
    names.insert(names.end(), {"tree_4", "tree"});
#ifdef ICL_WITH_XGBOOST
    names.emplace_back("xgboost");
#endif
  }
  return names;
}

double bayes_ridge_penalty(const TaskConfig& task) {
  if (task.noise_std <= 0) return 1;
  return task.noise_std * task.noise_std / (task.scale * task.scale);
}

}  // namespace icl
