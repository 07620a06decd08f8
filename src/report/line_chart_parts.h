// SPDX-License-Identifier: Apache-2.0
//
// Parts of a line chart that are drawn over its axes.
#pragma once

#include <string>

#include "src/report/line_chart.h"

namespace icl::report {

// Where the data are drawn, and from values to places on the page.
struct Frame {
  Box plot;
  Projection x, y;
  double font;
};

void draw_text(Markup& out, const std::string& role, const std::string& text, double x, double y,
               double size, const std::string& anchor, const Attributes& more = {});
void draw_segment(Markup& out, const std::string& role, const std::string& path, double width,
                  const std::string& dash = "");

// Vertical lines and ticks along the upper edge, with their labels.
void draw_marks(Markup& out, const LineChart& chart, const Frame& frame);

// A see-through strip around each x whose title lists all values there; where points are dense,
// around every few of them.
void draw_hover(Markup& out, const LineChart& chart, const Frame& frame);

// Labels at the right, each as near to the end of its line as the others allow.
void draw_end_labels(Markup& out, const LineChart& chart, const Frame& frame, double width);

}  // namespace icl::report
