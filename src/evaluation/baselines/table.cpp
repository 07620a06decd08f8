// SPDX-License-Identifier: Apache-2.0
//
// The baselines that icl has.
#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>

#include "icl/base/error.h"
#include "icl/base/text.h"
#include "icl/evaluation/baselines.h"
#include "src/evaluation/baselines/learners.h"

namespace icl {
namespace {

auto nearest_points(int64_t k) {
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

// Baselines that a build may lack.
struct Optional {
  const char* name;
  const char* why_missing;
};
constexpr std::array kOptional = {
    Optional{"xgboost", "this build of icl was configured without libxgboost"}};

std::string why_missing(const std::string& name) {
  for (const Optional& optional : kOptional) {
    if (name == optional.name) return optional.why_missing;
  }
  return "";
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
    return Baseline{name, str(*steps, " steps of gradient descent on the squared error"),
                    [steps](const BaselineInput& input, const BaselineOptions& options) {
                      return predict_gradient_descent(input, options, *steps);
                    }};
  }
  if (const auto iterations = number_after(name, "newton_")) {
    return Baseline{name, str(*iterations, " Newton iterations for the inverse of X^T X"),
                    [iterations](const BaselineInput& input, const BaselineOptions& options) {
                      return predict_newton(input, options, *iterations);
                    }};
  }
  return std::nullopt;
}

std::optional<Baseline> find_baseline(const std::string& name) {
  if (const Baseline* baseline = baselines().find(name)) return *baseline;
  return iterative_solver(name);
}

[[noreturn]] void refuse(const std::string& name) {
  if (const std::string reason = why_missing(name); !reason.empty()) {
    throw UsageError(str("baseline '", name, "': ", reason));
  }
  const std::vector<std::string> known = baselines().names();
  throw UsageError(str("unknown baseline '", name, "'", did_you_mean(name, known),
                       " (known: ", join(known), ", gd_<steps>, newton_<iterations>)"));
}

void add_once(std::vector<Baseline>& list, const Baseline& baseline) {
  const bool there = std::any_of(list.begin(), list.end(), [&](const Baseline& present) {
    return present.name == baseline.name;
  });
  if (!there) list.push_back(baseline);
}

NamedTable<Baseline> own_baselines() {
  NamedTable<Baseline> table("baseline");
  table.add({"zero", "always 0: the trivial line", predict_zero})
      .add({"least_squares", "least squares of minimum norm, no intercept", predict_least_squares})
      .add({"ridge", "least squares with the penalty of the task's noise", predict_ridge})
      .add({"averaging", "weights = mean of x y", predict_averaging})
      .add({"nearest_3", "mean over the 3 nearest points", nearest_points(3)})
      .add({"lasso_1", "L1 penalty 1", lasso(1)})
      .add({"lasso_0.1", "L1 penalty 0.1", lasso(0.1)})
      .add({"lasso_0.01", "L1 penalty 0.01", lasso(0.01)})
      .add({"lasso_0.001", "L1 penalty 0.001", lasso(0.001)})
      .add({"lasso_0.0001", "L1 penalty 0.0001", lasso(0.0001)})
      .add({"gd_network", "2-layer network trained by Adam on the prompt's points",
            predict_gd_network})
      .add({"tree_4", "greedy regression tree of depth 4", tree(4)})
      .add({"tree", "greedy regression tree of any depth", tree(-1)});
#ifdef ICL_WITH_XGBOOST
  table.add({"xgboost",
             str("XGBoost ", xgboost_version(),
                 " with its defaults; the paper has 2.0.3, which starts from the "
                 "mean of y instead of 0.5 and grows trees by histograms"),
             predict_xgboost, "xgboost", xgboost_version()});
#endif
  return table;
}

}  // namespace

NamedTable<Baseline>& baselines() {
  static NamedTable<Baseline> table = own_baselines();
  return table;
}

std::vector<Baseline> select_baselines(const std::vector<std::string>& names) {
  std::vector<Baseline> selected;
  for (const std::string& name : names) {
    if (name == "all") {
      for (const Baseline& baseline : baselines().records()) add_once(selected, baseline);
    } else if (const std::optional<Baseline> baseline = find_baseline(name)) {
      add_once(selected, *baseline);
    } else {
      refuse(name);
    }
  }
  return selected;
}

std::vector<Baseline> baselines_of(const FunctionTraits& traits, std::vector<LeftOut>& left_out) {
  std::vector<Baseline> selected;
  for (const std::string& name : traits.baselines) {
    if (const std::optional<Baseline> baseline = find_baseline(name)) {
      add_once(selected, *baseline);
    } else if (const std::string reason = why_missing(name); !reason.empty()) {
      left_out.push_back({name, reason});
    } else {
      refuse(name);
    }
  }
  return selected;
}

double bayes_ridge_penalty(const FunctionTraits& traits) {
  if (traits.noise_std <= 0) return 1;
  return traits.noise_std * traits.noise_std / traits.weight_variance;
}

}  // namespace icl
