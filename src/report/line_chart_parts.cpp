// SPDX-License-Identifier: Apache-2.0
#include "src/report/line_chart_parts.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "icl/base/text.h"
#include "src/report/style.h"

namespace icl::report {
namespace {

std::string hover_line(const Series& series, size_t i) {
  std::string line = series.label + "  " + short_number(series.ys[i]);
  if (!series.low.empty() && !std::isnan(series.low[i])) {
    line += "  [" + short_number(series.low[i]) + ", " + short_number(series.high[i]) + "]";
  }
  return line;
}

std::string hover_place(const Axis& axis, double x) {
  for (const auto& [at, label] : axis.ticks) {
    if (at == x) return axis.label + ": " + label;
  }
  return axis.label + ": " +
         (x == std::floor(x) && std::abs(x) < 1e15 ? std::to_string(static_cast<int64_t>(x))
                                                   : short_number(x));
}

}  // namespace

void draw_text(Markup& out, const std::string& role, const std::string& text, double x, double y,
               double size, const std::string& anchor, const Attributes& more) {
  Attributes attributes = painted(
      role, "", {{"x", px(x)}, {"y", px(y)}, {"font-size", px(size)}, {"text-anchor", anchor}});
  attributes.insert(attributes.end(), more.begin(), more.end());
  out.element("text", attributes, text);
}

void draw_segment(Markup& out, const std::string& role, const std::string& path, double width,
                  const std::string& dash) {
  out.leaf("path", painted("none", role,
                           {{"stroke-width", px(width)}, {"stroke-dasharray", dash}, {"d", path}}));
}

void draw_marks(Markup& out, const LineChart& chart, const Frame& frame) {
  const Box& plot = frame.plot;
  for (const Mark& mark : chart.marks) {
    const double x = frame.x(mark.x);
    if (x < plot.x - 0.5 || x > plot.x + plot.width + 0.5) continue;
    draw_segment(out, "muted", "M" + px(x) + ',' + px(plot.y) + 'V' + px(plot.y + plot.height), 1,
                 "3 3");
    if (mark.label.empty()) continue;
    const double size = frame.font - 0.5;
    const bool room = x + 6 + text_width(mark.label, size) <= plot.x + plot.width;
    draw_text(out, "muted", mark.label, room ? x + 5 : x - 5, plot.y + size, size,
              room ? "start" : "end");
  }
  for (const double stage : chart.stages) {
    const double x = frame.x(stage);
    if (x < plot.x - 0.5 || x > plot.x + plot.width + 0.5) continue;
    draw_segment(out, "muted", "M" + px(x) + ',' + px(plot.y) + "v6", 1);
  }
  if (!chart.stages.empty() && !chart.stages_label.empty()) {
    const double size = frame.font - 0.5;
    const double x = std::clamp(frame.x(chart.stages.back()), plot.x, plot.x + plot.width);
    const std::string label = fit_text(chart.stages_label, size, plot.width - 10);
    const bool room = x + 8 + text_width(label, size) <= plot.x + plot.width;
    draw_text(out, "muted", label, room ? x + 8 : plot.x + plot.width - 2,
              plot.y + size + (room ? 0 : 8), size, room ? "start" : "end");
  }
}

void draw_hover(Markup& out, const LineChart& chart, const Frame& frame) {
  std::map<double, std::vector<std::string>> places;
  for (const Series& series : chart.series) {
    if (!series.drawn) continue;
    for (size_t i = 0; i < series.xs.size(); ++i) {
      const bool shown = std::isfinite(series.xs[i]) && std::isfinite(series.ys[i]) &&
                         !std::isnan(frame.x(series.xs[i]));
      if (shown) places[series.xs[i]].push_back(hover_line(series, i));
    }
  }
  struct Place {
    double x;
    std::string title;
  };
  constexpr double kNarrowest = 2.5;
  const double left = frame.plot.x;
  const double right = left + frame.plot.width;
  std::vector<Place> kept;
  for (const auto& [value, lines] : places) {
    const double x = frame.x(value);
    const bool dense = !kept.empty() && x - kept.back().x < kNarrowest;
    if (x < left - 0.5 || x > right + 0.5 || dense) continue;
    kept.push_back({x, hover_place(chart.x, value) + '\n' + join(lines, "\n")});
  }
  for (size_t i = 0; i < kept.size(); ++i) {
    const double from = i == 0 ? left : (kept[i - 1].x + kept[i].x) / 2;
    const double to = i + 1 == kept.size() ? right : (kept[i].x + kept[i + 1].x) / 2;
    out.open("rect", {{"class", "hover"},
                      {"fill", "#808890"},
                      {"fill-opacity", "0"},
                      {"x", px(from)},
                      {"y", px(frame.plot.y)},
                      {"width", px(to - from)},
                      {"height", px(frame.plot.height)}});
    out.element("title", {}, kept[i].title).close();
  }
}

void draw_end_labels(Markup& out, const LineChart& chart, const Frame& frame, double width) {
  constexpr double kLine = 18;
  struct Label {
    const Series* series;
    double y;
  };
  std::vector<Label> labels;
  const double top = frame.plot.y + kLine / 2;
  const double bottom = frame.plot.y + frame.plot.height - kLine / 2 + 4;
  for (const Series* series : legend_series(chart)) {
    double y = bottom;
    for (const double value : series->ys) {
      if (const double end = frame.y(value); !std::isnan(end)) y = end;
    }
    labels.push_back({series, std::clamp(y, top, bottom)});
  }
  std::stable_sort(labels.begin(), labels.end(),
                   [](const Label& a, const Label& b) { return a.y < b.y; });
  for (size_t i = 1; i < labels.size(); ++i) {
    labels[i].y = std::max(labels[i].y, labels[i - 1].y + kLine);
  }
  double limit = bottom;
  for (size_t i = labels.size(); i-- > 0; limit -= kLine) {
    labels[i].y = std::min(labels[i].y, limit);
    limit = labels[i].y;
  }
  const double x = frame.plot.x + frame.plot.width + 12;
  for (const Label& label : labels) {
    const Series& series = *label.series;
    draw_sample(out, series.style, has_band(series), x, label.y);
    const std::string text = fit_text(series.label, 13, width - kSampleWidth - 24);
    out.open(
        "text",
        painted("ink", "",
                {{"x", px(x + kSampleWidth + 7)}, {"y", px(label.y + 4.5)}, {"font-size", "13"}}));
    out.text(text);
    if (text != series.label) out.element("title", {}, series.label);
    out.close();
  }
}

}  // namespace icl::report
