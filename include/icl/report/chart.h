// SPDX-License-Identifier: Apache-2.0
//
// Charts as SVG: lines with interval bands, heat maps, and grids of them that share a legend.
//
//   LineChart chart{.title = "Linear regression"};
//   chart.x.label = "In-context examples";
//   chart.series.push_back({.label = "Mamba", .xs = {0, 1, 2}, .ys = {1.0, 0.6, 0.3}});
//   Figure figure{.id = "curve", .title = "Error in context", .panels = {chart}};
//   std::string svg = standalone_svg(figure);
//
// Lines differ in colour (a colour-blind safe palette), dash and marker, so that a print in black
// and white still reads. Every picture follows the reader's light or dark setting, shows its values
// on hover, and carries a title and a description for screen readers.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "icl/report/axis.h"
#include "icl/report/table.h"

namespace icl::report {

constexpr int kHues = 7;

struct SeriesStyle {
  int hue = 0;      // 0 .. kHues - 1; negative: a neutral grey, for baselines and references
  int dash = 0;     // 0: solid; others: see dash_pattern
  int marker = -1;  // 0 .. kHues - 1, or negative: none
  double width = 2.0;
  bool faint = false;  // one of many lines of the same colour
};

// Points (xs[i], ys[i]) in ascending x. A NaN breaks the line. `low` and `high` are either empty or
// as long as `ys`.
struct Series {
  std::string label;
  std::vector<double> xs, ys;
  std::vector<double> low, high;
  SeriesStyle style;
  bool drawn = true;      // otherwise only in the table behind the figure
  bool in_legend = true;  // one line of several that share a label and style
};

struct Axis {
  std::string label;
  Scale scale = Scale::kLinear;
  std::optional<double> low, high;                    // otherwise from the data
  bool whole = false;                                 // only whole numbers as ticks
  std::vector<std::pair<double, std::string>> ticks;  // instead of computed ones
};

// A dashed vertical line with a label at its head.
struct Mark {
  double x = 0;
  std::string label;
};

struct LineChart {
  std::string title;
  Axis x, y;
  std::vector<Series> series;
  std::vector<Mark> marks;
  std::optional<double> shade_from;  // the background beyond this x is tinted
  std::vector<double> stages;        // short ticks along the upper edge
  std::string stages_label;
};

// Values in [low, high] as depth of colour, printed in the cells; NaN cells stay empty.
struct HeatMap {
  std::string title;
  std::string x_label, value_label;
  std::vector<std::string> rows, columns;
  std::vector<std::vector<double>> values;  // [rows][columns]
  double low = 0, high = 1;
};

using Panel = std::variant<LineChart, HeatMap>;

struct Figure {
  std::string id;  // letters, digits, hyphens; unique on a page and the name of its files
  std::string title;
  std::string caption;
  std::vector<Panel> panels;
  int columns = 1;         // of panels, on a wide page
  int narrow_columns = 1;  // and on a narrow one
  double aspect = 0.62;    // height of a panel over its width
};

enum class Width { kWide, kNarrow };

// For a page that holds chart_css(); `Width::kNarrow` suits a telephone.
std::string inline_svg(const Figure& figure, Width width);

// A file of its own, with its style sheet and background.
std::string standalone_svg(const Figure& figure);

// The colours of the dark setting and of hover; the light ones are attributes of the elements, so
// that programs that ignore style sheets draw a figure for paper.
std::string chart_css();

// Every number behind a figure: panel, series, x, y, low, high.
Table figure_table(const Figure& figure);

}  // namespace icl::report
