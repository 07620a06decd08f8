// SPDX-License-Identifier: Apache-2.0
#include "src/report/line_chart.h"

#include <algorithm>
#include <cmath>

#include "src/report/line_chart_parts.h"
#include "src/report/style.h"

namespace icl::report {
namespace {

std::pair<double, double> x_range(const LineChart& chart) {
  double low = INFINITY, high = -INFINITY;
  for (const Series& series : chart.series) {
    if (!series.drawn) continue;
    for (const double x : series.xs) {
      if (!std::isfinite(x) || (chart.x.scale == Scale::kLog && x <= 0)) continue;
      low = std::min(low, x);
      high = std::max(high, x);
    }
  }
  if (low > high) low = high = 1;
  return axis_range(chart.x.scale, chart.x.low.value_or(low), chart.x.high.value_or(high));
}

Ticks axis_ticks(const Axis& axis, double low, double high, double length, double spacing) {
  if (!axis.ticks.empty()) {
    Ticks ticks;
    for (const auto& [at, label] : axis.ticks) {
      if (at < low || at > high) continue;
      ticks.at.push_back(at);
      ticks.labels.push_back(label);
    }
    return ticks;
  }
  const int about = std::max(2, static_cast<int>(length / spacing));
  return axis.scale == Scale::kLog ? log_ticks(low, high, about)
                                   : linear_ticks(low, high, about, axis.whole);
}

// Grid lines across the panel, labels on the left and below.
void draw_axes(Markup& out, const Frame& frame, const Ticks& xs, const Ticks& ys) {
  const Box& plot = frame.plot;
  const double bottom = plot.y + plot.height;
  for (const double minor : ys.minor) {
    draw_segment(out, "muted", "M" + px(plot.x - 3) + ',' + px(frame.y(minor)) + "h3", 0.6);
  }
  for (size_t i = 0; i < ys.at.size(); ++i) {
    const double y = frame.y(ys.at[i]);
    draw_segment(out, "grid", "M" + px(plot.x) + ',' + px(y) + 'H' + px(plot.x + plot.width), 1);
    draw_text(out, "muted", ys.labels[i], plot.x - 7, y + frame.font * 0.35, frame.font, "end");
  }
  for (const double minor : xs.minor) {
    draw_segment(out, "muted", "M" + px(frame.x(minor)) + ',' + px(bottom) + "v3", 0.6);
  }
  double free_from = -INFINITY;
  for (size_t i = 0; i < xs.at.size(); ++i) {
    const double x = frame.x(xs.at[i]);
    draw_segment(out, "muted", "M" + px(x) + ',' + px(bottom) + "v4", 1);
    const double half = text_width(xs.labels[i], frame.font) / 2;
    if (x - half < free_from) continue;
    draw_text(out, "muted", xs.labels[i], x, bottom + frame.font + 6, frame.font, "middle");
    free_from = x + half + 5;
  }
  draw_segment(out, "muted", "M" + px(plot.x) + ',' + px(bottom) + 'H' + px(plot.x + plot.width),
               1);
}

std::string line_path(const Series& series, const Frame& frame) {
  std::string path;
  bool pen_up = true;
  for (size_t i = 0; i < series.xs.size(); ++i) {
    const double x = frame.x(series.xs[i]);
    const double y = frame.y(series.ys[i]);
    if (std::isnan(x) || std::isnan(y)) {
      pen_up = true;
      continue;
    }
    path += (pen_up ? 'M' : 'L') + px(x) + ',' + px(y);
    pen_up = false;
  }
  return path;
}

// The outline of low .. high, one closed piece for each unbroken stretch.
std::string band_path(const Series& series, const Frame& frame) {
  std::string path;
  const auto usable = [&](size_t i) {
    return !std::isnan(frame.x(series.xs[i])) && !std::isnan(frame.y(series.low[i])) &&
           !std::isnan(frame.y(series.high[i]));
  };
  for (size_t begin = 0; begin < series.xs.size(); ++begin) {
    if (!usable(begin)) continue;
    size_t end = begin;
    while (end < series.xs.size() && usable(end)) ++end;
    for (size_t i = begin; i < end; ++i) {
      path +=
          (i == begin ? 'M' : 'L') + px(frame.x(series.xs[i])) + ',' + px(frame.y(series.high[i]));
    }
    for (size_t i = end; i-- > begin;) {
      path += 'L' + px(frame.x(series.xs[i])) + ',' + px(frame.y(series.low[i]));
    }
    path += 'Z';
    begin = end;
  }
  return path;
}

// A marker about every 70 pixels, shifted from series to series so that equal lines stay apart.
void draw_markers(Markup& out, const Series& series, const Frame& frame, size_t index,
                  size_t count) {
  if (series.style.marker < 0) return;
  const double spacing = frame.plot.width < 280 ? 60 : 75;
  const bool sparse = static_cast<double>(series.xs.size()) * 24 < frame.plot.width;
  double next =
      frame.plot.x + spacing * (0.25 + 0.75 * static_cast<double>(index) /
                                           static_cast<double>(std::max<size_t>(1, count)));
  for (size_t i = 0; i < series.xs.size(); ++i) {
    const double x = frame.x(series.xs[i]);
    const double y = frame.y(series.ys[i]);
    if (std::isnan(x) || std::isnan(y) || (!sparse && x < next)) continue;
    const bool inside = y >= frame.plot.y && y <= frame.plot.y + frame.plot.height;
    if (inside) draw_marker(out, series.style, x, y);
    next += spacing;
  }
}

void draw_lines(Markup& out, const LineChart& chart, const Frame& frame, const std::string& clip) {
  out.open("g", {{"clip-path", "url(#" + clip + ")"}});
  for (const Series& series : chart.series) {
    if (!series.drawn || !has_band(series)) continue;
    out.leaf("path", painted(series_role(series.style), "",
                             {{"fill-opacity", "0.18"}, {"d", band_path(series, frame)}}));
  }
  // Baselines lie under the models.
  for (const bool models : {false, true}) {
    for (const Series& series : chart.series) {
      if (!series.drawn || (series.style.hue >= 0) != models) continue;
      out.leaf("path", painted("none", series_role(series.style),
                               {{"stroke-width", px(series.style.width)},
                                {"stroke-opacity", series.style.faint ? "0.55" : ""},
                                {"stroke-dasharray", dash_pattern(series.style.dash)},
                                {"stroke-linejoin", "round"},
                                {"d", line_path(series, frame)}}));
    }
  }
  out.close();
  size_t index = 0;
  const size_t count = chart.series.size();
  for (const Series& series : chart.series) {
    if (series.drawn) draw_markers(out, series, frame, index, count);
    ++index;
  }
}

}  // namespace

bool has_band(const Series& series) {
  return series.style.hue >= 0 && !series.low.empty();
}

double draw_panel_title(Markup& out, const std::string& title, const Box& box, bool small) {
  if (title.empty()) return 0;
  const double size = small ? 12 : 14;
  draw_text(out, "ink", fit_text(title, size * 1.06, box.width), box.x, box.y + size, size, "start",
            {{"font-weight", "600"}});
  return size + 8;
}

std::vector<const Series*> legend_series(const LineChart& chart) {
  std::vector<const Series*> named;
  for (const bool models : {true, false}) {
    for (const Series& series : chart.series) {
      const bool wanted = series.drawn && series.in_legend && (series.style.hue >= 0) == models;
      if (wanted) named.push_back(&series);
    }
  }
  return named;
}

std::pair<double, double> data_range(const LineChart& chart) {
  double low = INFINITY, high = -INFINITY;
  const auto take = [&](double y) {
    if (!std::isfinite(y) || (chart.y.scale == Scale::kLog && y <= 0)) return;
    low = std::min(low, y);
    high = std::max(high, y);
  };
  for (const Series& series : chart.series) {
    if (!series.drawn) continue;
    for (const auto* values : {&series.ys, &series.low, &series.high}) {
      for (const double y : *values) take(y);
    }
  }
  if (low > high) low = high = 1;
  if (chart.y.scale == Scale::kLog) {
    low = std::pow(10, std::floor(std::log10(low) * 2 + 1e-9) / 2);
    high = std::pow(10, std::ceil(std::log10(high) * 2 - 1e-9) / 2);
    return axis_range(Scale::kLog, chart.y.low.value_or(low), chart.y.high.value_or(high));
  }
  const double room = 0.05 * (high - low);
  const double floor = low >= 0 && low < 0.5 * high ? 0 : low - room;
  return axis_range(Scale::kLinear, chart.y.low.value_or(floor),
                    chart.y.high.value_or(high + room));
}

void draw_line_chart(Markup& out, const LineChart& chart, const Box& box,
                     const PanelOptions& options) {
  const double font = options.small ? 11 : 12;
  double top = draw_panel_title(out, chart.title, box, options.small);
  if (!chart.y.label.empty()) {
    draw_text(out, "muted", fit_text(chart.y.label, font, box.width), box.x, box.y + top + font,
              font, "start");
    top += font + 9;
  }
  const double below = font + 11 + (chart.x.label.empty() ? 0 : font + 7);
  const auto [y_low, y_high] = data_range(chart);
  const auto [x_low, x_high] = x_range(chart);
  const double height = box.height - top - below;
  const Ticks ys = axis_ticks(chart.y, y_low, y_high, height, options.small ? 34 : 44);
  double left = 12;
  for (const std::string& label : ys.labels) left = std::max(left, text_width(label, font) + 9);
  const Box plot = {box.x + left, box.y + top, box.width - left - options.label_column - 14,
                    height};
  const Ticks xs = axis_ticks(chart.x, x_low, x_high, plot.width, options.small ? 52 : 70);
  const Frame frame = {plot, Projection(chart.x.scale, x_low, x_high, plot.x, plot.x + plot.width),
                       Projection(chart.y.scale, y_low, y_high, plot.y + plot.height, plot.y),
                       font};

  const std::string clip = options.id + "-clip";
  out.open("clipPath", {{"id", clip}});
  out.leaf("rect", {{"x", px(plot.x)},
                    {"y", px(plot.y - 2)},
                    {"width", px(plot.width)},
                    {"height", px(plot.height + 3)}});
  out.close();
  if (chart.shade_from) {
    const double from = std::clamp(frame.x(*chart.shade_from), plot.x, plot.x + plot.width);
    out.leaf("rect", painted("tint", "",
                             {{"x", px(from)},
                              {"y", px(plot.y)},
                              {"width", px(plot.x + plot.width - from)},
                              {"height", px(plot.height)}}));
  }
  draw_axes(out, frame, xs, ys);
  draw_marks(out, chart, frame);
  draw_lines(out, chart, frame, clip);
  if (options.label_column > 0) draw_end_labels(out, chart, frame, options.label_column);
  if (!chart.x.label.empty()) {
    draw_text(out, "muted", fit_text(chart.x.label, font, box.width), plot.x + plot.width / 2,
              box.y + box.height - 3, font, "middle");
  }
  draw_hover(out, chart, frame);
}

}  // namespace icl::report
