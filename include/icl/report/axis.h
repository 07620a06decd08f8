// SPDX-License-Identifier: Apache-2.0
//
// Axes of a chart: where ticks go, how they read, and where a value lands.
//
//   const Ticks ticks = linear_ticks(0.0, 41.0, 6);      // 0, 10, 20, 30, 40
//   const Projection x(Scale::kLinear, 0.0, 41.0, 50.0, 450.0);
//   x(20.5);                                             // 250 pixels
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace icl::report {

enum class Scale { kLinear, kLog };

// A range that an axis can show, near to the one that the data need: within -1e300 .. 1e300, from
// at least 1e-300 on a logarithmic axis, and never too narrow for ticks.
std::pair<double, double> axis_range(Scale scale, double low, double high);

struct Ticks {
  std::vector<double> at;
  std::vector<std::string> labels;  // one for each of `at`
  std::vector<double> minor;        // unlabelled, between them
};

// Multiples of 1, 2, 2.5 or 5 times a power of ten within [low, high], at most `about` + 1 of them.
// `whole` admits only whole numbers (counts). Needs low < high and about >= 1.
Ticks linear_ticks(double low, double high, int about, bool whole = false);

// Powers of ten within [low, high], thinned to at most about + 1; below two decades also 2 and 5
// times a power of ten. Needs 0 < low < high, a range of axis_range().
Ticks log_ticks(double low, double high, int about);

// Three significant digits for people: 0.0123, 1.5, 12.3k, 10.5M, 3.2e-7; "–" for NaN.
std::string short_number(double value);

// A fraction as a percentage with about three significant digits: "2.31%", "0.05%", "< 0.01%".
std::string percent(double fraction);

// Maps [low, high] to [from, to] pixels. A value that a logarithm cannot take (zero or less) lands
// far on the low side, so that a line to it leaves the panel; a value that is not finite gives NaN:
// a gap.
class Projection {
 public:
  Projection(Scale scale, double low, double high, double from, double to);
  double operator()(double value) const;

 private:
  Scale scale_;
  double low_, high_, from_, to_;
};

}  // namespace icl::report
