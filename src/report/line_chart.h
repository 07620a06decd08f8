// SPDX-License-Identifier: Apache-2.0
//
// Draws one line chart into a box of the surrounding SVG.
#pragma once

#include "icl/report/chart.h"
#include "icl/report/markup.h"

namespace icl::report {

struct Box {
  double x = 0, y = 0, width = 0, height = 0;
};

struct PanelOptions {
  std::string id;           // unique within the document
  bool small = false;       // one of many: smaller text, fewer ticks
  double label_column = 0;  // room on the right for labels at the line ends; 0: none
};

void draw_line_chart(Markup& out, const LineChart& chart, const Box& box,
                     const PanelOptions& options);

// A panel's title in bold above its box; returns the height it takes.
double draw_panel_title(Markup& out, const std::string& title, const Box& box, bool small);

// Only models carry a band: those of baselines would hide them.
bool has_band(const Series& series);

// The drawn series that the legend names.
std::vector<const Series*> legend_series(const LineChart& chart);

// The limits of the vertical axis when `chart.y` leaves them open.
std::pair<double, double> data_range(const LineChart& chart);

}  // namespace icl::report
