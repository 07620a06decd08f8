// SPDX-License-Identifier: Apache-2.0
#include "src/probing/linear_targets.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <charconv>

#include "icl/base/error.h"
#include "icl/base/text.h"
#include "icl/solvers/spectrum.h"

namespace icl::probing {
namespace {

// Of the ridge prediction, beside X^T X / n: large enough to tell it from least squares.
constexpr double kRidgePenalty = 0.1;
constexpr int64_t kMostIterations = 10000;

// The iterations of "gd_<iterations>", or 0.
int64_t iterations_of(const std::string& name) {
  if (name.rfind("gd_", 0) != 0) return 0;
  int64_t value = 0;
  const char* end = name.data() + name.size();
  const auto parsed = std::from_chars(name.data() + 3, end, value);
  return parsed.ec == std::errc() && parsed.ptr == end && value <= kMostIterations ? value : 0;
}

at::Tensor value(const std::string& name, const ProbePrompts& prompts, const Spectrum& spectrum) {
  const at::Tensor& values = spectrum.values_BD;
  if (name == "y") return prompts.ys_BQ.to(at::kDouble);
  if (name == "least_squares_weights") return spectrum.weights(least_squares_filter(values));
  if (name == "moment") return spectrum.weights(at::ones_like(values));
  if (name == "ridge_prediction") {
    const at::Tensor w = spectrum.weights(ridge_filter(values, kRidgePenalty));
    return at::bmm(prompts.queries_BQD.to(at::kDouble), w.unsqueeze(2)).squeeze(2);
  }
  return spectrum.weights(descent_filter(values, optimal_step(values), iterations_of(name)));
}

}  // namespace

std::vector<std::string> target_names(const TaskConfig& task, std::vector<std::string> names) {
  const bool linear = task.traits().linear;
  if (names.empty()) {
    if (!linear) return {"y"};
    return {"y",   "ridge_prediction", "least_squares_weights", "moment", "gd_1", "gd_2", "gd_4",
            "gd_8"};
  }
  const std::vector<std::string> known = {"y", "ridge_prediction", "least_squares_weights",
                                          "moment", "gd_1"};
  for (const std::string& name : names) {
    const bool listed = std::find(known.begin(), known.end(), name) != known.end();
    if (!listed && iterations_of(name) == 0) {
      throw UsageError(str("unknown target '", name, "'", did_you_mean(name, known), " (known: ",
                           join(known), " and gd_<iterations> up to ", kMostIterations, ")"));
    }
    if (name != "y" && !linear) {
      throw UsageError(str("target '", name, "' is of linear regression, and the task is ",
                           task.function.name(), "; use 'y'"));
    }
  }
  return names;
}

std::vector<at::Tensor> target_values(const std::vector<std::string>& names,
                                      const ProbePrompts& prompts) {
  const Spectrum spectrum(prompts.xs_BKD, prompts.ys_BK);
  std::vector<at::Tensor> values;
  for (const std::string& name : names) values.push_back(value(name, prompts, spectrum));
  return values;
}

}  // namespace icl::probing
