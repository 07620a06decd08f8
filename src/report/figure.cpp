// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "icl/report/chart.h"
#include "src/report/heat_map.h"
#include "src/report/line_chart.h"
#include "src/report/style.h"

namespace icl::report {
namespace {

constexpr double kLegendLine = 22;

struct LegendEntry {
  std::string label;
  SeriesStyle style;
  bool band = false;
};

struct Layout {
  double width = 960;
  int columns = 1;
  double gap = 28;
  bool small = false;
  double label_column = 0;
  double margin = 0;  // around everything
  bool titled = false;
};

std::vector<LegendEntry> legend_of(const Figure& figure) {
  std::vector<LegendEntry> models, baselines;
  for (const Panel& panel : figure.panels) {
    const auto* chart = std::get_if<LineChart>(&panel);
    if (chart == nullptr) continue;
    for (const Series* series : legend_series(*chart)) {
      std::vector<LegendEntry>& list = series->style.hue >= 0 ? models : baselines;
      const bool known = std::any_of(list.begin(), list.end(), [&](const LegendEntry& entry) {
        return entry.label == series->label;
      });
      if (!known) list.push_back({series->label, series->style, has_band(*series)});
    }
  }
  models.insert(models.end(), baselines.begin(), baselines.end());
  return models;
}

// Entries in rows from the left; returns the height taken. Draws nothing without `out`.
double place_legend(Markup* out, const std::vector<LegendEntry>& entries, double x, double y,
                    double width) {
  if (entries.empty()) return 0;
  double at = 0, row = 0;
  for (const LegendEntry& entry : entries) {
    const std::string label = fit_text(entry.label, 13, width - kSampleWidth - 10);
    const double needed = kSampleWidth + 7 + text_width(label, 13);
    if (at > 0 && at + needed > width) {
      at = 0;
      row += kLegendLine;
    }
    if (out != nullptr) {
      const double middle = y + row + kLegendLine / 2;
      draw_sample(*out, entry.style, entry.band, x + at, middle);
      out->open("text", painted("ink", "",
                                {{"x", px(x + at + kSampleWidth + 7)},
                                 {"y", px(middle + 4.5)},
                                 {"font-size", "13"}}));
      out->text(label);
      if (label != entry.label) out->element("title", {}, entry.label);
      out->close();
    }
    at += needed + 22;
  }
  return row + kLegendLine + 10;
}

Layout layout_of(const Figure& figure, Width width, const std::vector<LegendEntry>& legend) {
  Layout layout;
  const bool wide = width == Width::kWide;
  layout.width = wide ? 960 : 400;
  layout.columns = std::max(1, wide ? figure.columns : figure.narrow_columns);
  layout.columns =
      std::min<int>(layout.columns, std::max<int>(1, static_cast<int>(figure.panels.size())));
  layout.small = wide ? layout.columns > 2 : true;
  layout.gap = layout.small ? 18 : 30;
  const bool single_chart =
      figure.panels.size() == 1 && std::holds_alternative<LineChart>(figure.panels.front());
  if (single_chart && wide && !legend.empty()) {
    double longest = 0;
    for (const LegendEntry& entry : legend) {
      longest = std::max(longest, text_width(entry.label, 13));
    }
    const double height = layout.width * figure.aspect - 80;
    if (static_cast<double>(legend.size()) * 18 <= height) {
      layout.label_column = std::min(250.0, longest + kSampleWidth + 32);
    }
  }
  return layout;
}

std::string description(const Figure& figure) {
  std::string text;
  for (const Panel& panel : figure.panels) {
    const auto* chart = std::get_if<LineChart>(&panel);
    if (chart == nullptr) continue;
    if (!chart->title.empty()) text += chart->title + ": ";
    std::string lines;
    for (const Series& series : chart->series) {
      if (!series.drawn || !series.in_legend || series.ys.empty()) continue;
      const bool finite = std::isfinite(series.ys.back());
      lines += (lines.empty() ? "" : ", ") + series.label + " ends at " +
               (finite ? short_number(series.ys.back()) : "a number that is not finite");
    }
    text += lines + ". ";
  }
  return text.empty() ? figure.caption : text;
}

double panel_height(const Panel& panel, double width, double aspect) {
  if (const auto* map = std::get_if<HeatMap>(&panel)) return heat_map_height(*map);
  return std::max(180.0, width * aspect);
}

void draw_panel(Markup& out, const Panel& panel, const Box& box, const PanelOptions& options) {
  if (const auto* chart = std::get_if<LineChart>(&panel)) {
    draw_line_chart(out, *chart, box, options);
  } else {
    draw_heat_map(out, std::get<HeatMap>(panel), box, options);
  }
}

struct PlacedPanels {
  std::vector<Box> boxes;
  double height = 0;
};

PlacedPanels place_panels(const Figure& figure, const Layout& layout) {
  PlacedPanels placed;
  const auto columns = static_cast<size_t>(layout.columns);
  const double width =
      (layout.width - layout.gap * static_cast<double>(columns - 1)) / static_cast<double>(columns);
  double y = 0;
  for (size_t begin = 0; begin < figure.panels.size(); begin += columns) {
    double tallest = 0;
    const size_t end = std::min(begin + columns, figure.panels.size());
    for (size_t i = begin; i < end; ++i) {
      tallest = std::max(tallest, panel_height(figure.panels[i], width, figure.aspect));
    }
    for (size_t i = begin; i < end; ++i) {
      placed.boxes.push_back(
          {static_cast<double>(i - begin) * (width + layout.gap), y, width, tallest});
    }
    y += tallest + layout.gap * 0.7;
  }
  placed.height = y - layout.gap * 0.7;
  return placed;
}

std::string render(const Figure& figure, Width width, bool standalone) {
  const std::vector<LegendEntry> legend = legend_of(figure);
  Layout layout = layout_of(figure, width, legend);
  const double margin = standalone ? 24 : 0;
  const double title = standalone && !figure.title.empty() ? 34 : 0;
  const double legend_height =
      layout.label_column > 0 ? 0 : place_legend(nullptr, legend, 0, 0, layout.width);
  const PlacedPanels placed = place_panels(figure, layout);
  const double full_width = layout.width + 2 * margin;
  const double full_height = placed.height + legend_height + title + 2 * margin;
  const std::string id = figure.id + (width == Width::kWide ? "" : "-narrow");

  Markup out;
  Attributes root = {{"class", "icl-chart"},
                     {"role", "img"},
                     {"viewBox", "0 0 " + px(full_width) + ' ' + px(full_height)},
                     {"aria-labelledby", id + "-title " + id + "-desc"}};
  if (standalone) {
    root.insert(root.begin(), {"xmlns", "http://www.w3.org/2000/svg"});
    root.emplace_back("width", px(full_width));
    root.emplace_back("height", px(full_height));
  }
  out.open("svg", root);
  out.element("title", {{"id", id + "-title"}}, figure.title);
  out.element("desc", {{"id", id + "-desc"}}, description(figure));
  if (standalone) {
    out.open("style").raw("\n" + chart_css()).close();
    out.leaf("rect",
             painted("paper", "", {{"width", px(full_width)}, {"height", px(full_height)}}));
    if (title > 0) {
      out.element("text",
                  painted("ink", "",
                          {{"x", px(margin)},
                           {"y", px(margin + 16)},
                           {"font-size", "17"},
                           {"font-weight", "600"}}),
                  fit_text(figure.title, 18, layout.width));
    }
  }
  if (layout.label_column == 0) place_legend(&out, legend, margin, margin + title, layout.width);
  for (size_t i = 0; i < figure.panels.size(); ++i) {
    Box box = placed.boxes[i];
    box.x += margin;
    box.y += margin + title + legend_height;
    draw_panel(out, figure.panels[i], box,
               {id + "-" + std::to_string(i), layout.small, layout.label_column});
  }
  out.close();
  return out.take();
}

}  // namespace

std::string inline_svg(const Figure& figure, Width width) {
  return render(figure, width, false);
}

std::string standalone_svg(const Figure& figure) {
  return render(figure, Width::kWide, true);
}

Table figure_table(const Figure& figure) {
  Table table{{"panel", "series", "x", "y", "low", "high"}, {}};
  for (const Panel& panel : figure.panels) {
    if (const auto* map = std::get_if<HeatMap>(&panel)) {
      for (size_t r = 0; r < map->rows.size(); ++r) {
        for (size_t c = 0; c < map->columns.size(); ++c) {
          table.rows.push_back(
              {map->title, map->rows[r], map->columns[c], map->values[r][c], NAN, NAN});
        }
      }
      continue;
    }
    const auto& chart = std::get<LineChart>(panel);
    for (const Series& series : chart.series) {
      for (size_t i = 0; i < series.xs.size(); ++i) {
        const bool band = !series.low.empty();
        table.rows.push_back({chart.title, series.label, series.xs[i], series.ys[i],
                              band ? series.low[i] : NAN, band ? series.high[i] : NAN});
      }
    }
  }
  return table;
}

}  // namespace icl::report
