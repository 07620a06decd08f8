// SPDX-License-Identifier: Apache-2.0
#include "icl/runs/run_metrics.h"

#include <algorithm>
#include <cmath>

#include "icl/base/error.h"
#include "icl/base/text.h"
#include "icl/io/files.h"
#include "icl/io/json_view.h"

namespace icl {
namespace {

using Json = nlohmann::ordered_json;

std::vector<double> numbers_of(const JsonView& list) {
  std::vector<double> numbers;
  if (list.is_null()) return numbers;
  for (const JsonView& value : list.elements()) numbers.push_back(value.number_or_nan());
  return numbers;
}

int64_t count_of(const JsonView& view) {
  return view.is_null() ? 0 : view.integer(0);
}

StepReport step_of(const JsonView& line) {
  StepReport report{.step = line.at("step").integer(0),
                    .loss = line.find("loss").number_or_nan(),
                    .relative_loss = line.find("relative_loss").number_or_nan(),
                    .errors = numbers_of(line.find("errors")),
                    .zero_error = line.find("zero_error").number_or_nan(),
                    .grad_norm = line.find("grad_norm").number_or_nan(),
                    .lr = line.find("lr").number_or_nan(),
                    .n_points = count_of(line.find("n_points")),
                    .n_dims = count_of(line.find("n_dims")),
                    .prompts_per_s = line.find("prompts_per_s").number_or_nan(),
                    .seconds = line.find("seconds").number_or_nan()};
  // Files of before "zero_error" was written are of squared errors, where the losses say it.
  if (std::isnan(report.zero_error)) report.zero_error = report.loss / report.relative_loss;
  return report;
}

SideReport side_of(const JsonView& line) {
  SideReport report{.step = line.at("step").integer(0), .errors = {}};
  const JsonView evaluation = line.at("evaluation");
  if (!evaluation.value().is_object()) evaluation.fail("expected an object of settings");
  for (const auto& [setting, errors] : evaluation.value().items()) {
    report.errors.emplace_back(setting, numbers_of(evaluation.at(setting)));
  }
  return report;
}

// Whether the line is one of a metrics file; then it is added.
bool take_line(const std::string& text, RunMetrics& metrics) {
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return false;
  const JsonView line(json, "a line");
  try {
    if (line.find("evaluation").is_null()) {
      metrics.steps.push_back(step_of(line));
    } else {
      metrics.evaluations.push_back(side_of(line));
    }
  } catch (const DataError&) {
    return false;
  }
  return true;
}

}  // namespace

Json to_json(const StepReport& report) {
  return {{"step", report.step},
          {"loss", report.loss},
          {"relative_loss", report.relative_loss},
          {"errors", report.errors},
          {"zero_error", report.zero_error},
          {"grad_norm", report.grad_norm},
          {"lr", report.lr},
          {"n_points", report.n_points},
          {"n_dims", report.n_dims},
          {"prompts_per_s", report.prompts_per_s},
          {"seconds", report.seconds}};
}

Json to_json(const SideReport& report) {
  Json json = {{"step", report.step}, {"evaluation", Json::object()}};
  for (const auto& [setting, errors] : report.errors) json["evaluation"][setting] = errors;
  return json;
}

int64_t RunMetrics::steps_done() const {
  int64_t done = steps.empty() ? 0 : steps.back().step + 1;
  if (!evaluations.empty()) done = std::max(done, evaluations.back().step + 1);
  return done;
}

double RunMetrics::seconds() const {
  double before = 0, latest = 0;  // of earlier starts, and of this one
  for (const StepReport& report : steps) {
    if (std::isnan(report.seconds)) continue;
    if (report.seconds < latest) before += latest;  // the clock starts anew when a run is resumed
    latest = report.seconds;
  }
  return before + latest;
}

RunMetrics RunMetrics::of_text(const std::string& text) {
  RunMetrics metrics;
  const std::vector<std::string> lines = split(text, '\n');
  for (size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].empty() || take_line(lines[i], metrics)) continue;
    const bool cut_short = i + 1 == lines.size() && !text.ends_with('\n');
    if (!cut_short) ++metrics.damaged_lines;
  }
  return metrics;
}

RunMetrics RunMetrics::read(const std::filesystem::path& file) {
  return of_text(read_file(file));
}

}  // namespace icl
