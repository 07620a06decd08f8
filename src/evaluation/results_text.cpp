// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "icl/base/error.h"
#include "icl/base/text.h"
#include "icl/evaluation/results.h"

namespace icl {
namespace {

// With three decimals; of numbers too large for a column, three digits and an exponent.
std::string number(double value) {
  if (!std::isfinite(value)) return "not finite";
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), std::abs(value) < 1e9 ? "%.3f" : "%.3g", value);
  return text.data();
}

std::string padded(const std::string& text, size_t width, bool right) {
  const std::string space(width > text.size() ? width - text.size() : 0, ' ');
  return right ? space + text : text + space;
}

// Numbers of in-context examples worth a column: round ones and the ends.
std::vector<int64_t> selected_points(int64_t n_points, int64_t train_points) {
  std::vector<int64_t> chosen;
  for (const int64_t n : {0, 1, 5, 10, 20, 40, 100, 200, 500, 1000}) {
    if (n < n_points) chosen.push_back(n);
  }
  chosen.push_back(n_points - 1);
  if (train_points > 0 && train_points < n_points) chosen.push_back(train_points - 1);
  std::sort(chosen.begin(), chosen.end());
  chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
  return chosen;
}

std::string rows_text(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> width;
  for (const auto& row : rows) {
    width.resize(std::max(width.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) width[i] = std::max(width[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      text += "  " + padded(row[i], width[i], /*right=*/i > 0);
    }
    text += "\n";
  }
  return text;
}

std::string mean_with_interval(const Curve& curve, int64_t n) {
  const auto at = static_cast<size_t>(n);
  if (!std::isfinite(curve.mean[at])) return number(curve.mean[at]);
  return str(number(curve.mean[at]), " [", number(curve.low[at]), ", ", number(curve.high[at]),
             "]");
}

// "  not finite: mamba after 3 and more in-context examples", a line for each such curve.
std::string not_finite_text(const EvalResult& result) {
  std::string text;
  for (const Curve& curve : result.curves) {
    const auto bad = [](double value) { return !std::isfinite(value); };
    const auto count = std::count_if(curve.mean.begin(), curve.mean.end(), bad);
    if (count == 0) continue;
    const auto first = std::find_if(curve.mean.begin(), curve.mean.end(), bad) - curve.mean.begin();
    text += str("  not finite: the error of ", curve.name, " at ", count, " of ", curve.mean.size(),
                " numbers of in-context examples, the first of them ", first, "\n");
  }
  return text;
}

// What the prompts ask beyond what the weights have seen.
std::string beyond_training_text(const EvalResult& result) {
  std::string text;
  if (result.train_points > 0 && result.n_points > result.train_points) {
    text += str("; training went to ", result.train_points - 1);
  }
  const auto n_dims = result.task.value("n_dims", int64_t{0});
  if (result.train_dims > 0 && n_dims > result.train_dims) {
    text += str("; training used ", result.train_dims, " of the ", n_dims, " dimensions");
  }
  return text;
}

}  // namespace

std::string table_text(const EvalResult& result) {
  const std::vector<int64_t> points = selected_points(result.n_points, result.train_points);
  std::string text = str(
      result.setting, ": ", result.description, "\n  ", result.n_prompts, " prompts, error / ",
      result.normaliser.name, " (", shortest(result.normaliser.value),
      ") with 90% interval, by number of in-context examples", beyond_training_text(result), "\n");
  std::vector<std::vector<std::string>> rows(1, {"n"});
  for (const int64_t n : points) rows[0].push_back(std::to_string(n));
  for (const Curve& curve : result.curves) {
    std::vector<std::string> row = {curve.name};
    for (const int64_t n : points) row.push_back(mean_with_interval(curve, n));
    rows.push_back(std::move(row));
  }
  text += rows_text(rows) + not_finite_text(result);
  for (const auto& [library, version] : result.from.libraries) {
    text += str("  ", library, ": numbers of version ", version, "\n");
  }
  for (const LeftOut& each : result.left_out) {
    text += str("  left out: ", each.name, " (", each.reason, ")\n");
  }
  return text;
}

std::string line_text(const EvalResult& result, int64_t n) {
  std::vector<std::string> parts;
  for (const Curve& curve : result.curves) {
    parts.push_back(str(curve.name, " ", number(curve.mean.at(static_cast<size_t>(n)))));
  }
  return str("error after ", n, " in-context examples: ", join(parts));
}

}  // namespace icl
