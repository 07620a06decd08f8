// SPDX-License-Identifier: Apache-2.0
#include "linear_targets.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <charconv>

#include "icl/base/error.h"
#include "icl/base/text.h"
#include "icl/probing/references.h"

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

at::Tensor with_filter(const Spectrum& spectrum, const at::Tensor& filter_BD) {
  return at::bmm(spectrum.vectors_BDD, (filter_BD * spectrum.moment_BD).unsqueeze(2)).squeeze(2);
}

at::Tensor least_squares(const Spectrum& spectrum) {
  const at::Tensor& values = spectrum.values_BD;
  const at::Tensor kept = values > 1e-10 * values.narrow(1, -1, 1);
  return with_filter(spectrum, at::where(kept, 1 / values, at::zeros_like(values)));
}

at::Tensor value(const std::string& name, const ProbePrompts& prompts, const Spectrum& spectrum) {
  if (name == "y") return prompts.ys_BQ.to(at::kDouble);
  if (name == "least_squares_weights") return least_squares(spectrum);
  if (name == "moment") return with_filter(spectrum, at::ones_like(spectrum.values_BD));
  if (name == "ridge_prediction") {
    const at::Tensor w = with_filter(spectrum, 1 / (spectrum.values_BD + kRidgePenalty));
    return at::bmm(prompts.queries_BQD.to(at::kDouble), w.unsqueeze(2)).squeeze(2);
  }
  const int64_t iterations = iterations_of(name);
  return make_reference("gd", iterations).weights(spectrum)[iterations];
}

}  // namespace

std::vector<std::string> target_names(const TaskConfig& task, std::vector<std::string> names) {
  const bool linear = is_linear_task(task);
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
                           task.function, "; use 'y'"));
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
