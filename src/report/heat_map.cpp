// SPDX-License-Identifier: Apache-2.0
#include "src/report/heat_map.h"

#include <algorithm>
#include <cmath>

#include "src/report/style.h"

namespace icl::report {
namespace {

constexpr double kRowHeight = 26;
constexpr double kHead = 22, kFoot = 62;

// Two decimals that fit a small cell: ".93", "1", "–.02".
std::string cell_text(double value) {
  std::string text = short_number(std::round(value * 100) / 100);
  if (text.rfind("0.", 0) == 0) text.erase(0, 1);
  if (text.rfind("\u22120.", 0) == 0) text.erase(3, 1);
  return text;
}

void draw_scale(Markup& out, const HeatMap& map, double x, double y, double width) {
  constexpr int kSteps = 24;
  for (int i = 0; i < kSteps; ++i) {
    const double part = (i + 0.5) / kSteps;
    out.leaf("rect", painted("c0", "",
                             {{"fill-opacity", px(part)},
                              {"x", px(x + width * i / kSteps)},
                              {"y", px(y)},
                              {"width", px(width / kSteps + 0.3)},
                              {"height", "8"}}));
  }
  const auto label = [&](const std::string& text, double at, const char* anchor) {
    out.element(
        "text",
        painted("muted", "",
                {{"x", px(at)}, {"y", px(y + 8.5)}, {"font-size", "11"}, {"text-anchor", anchor}}),
        text);
  };
  label(map.value_label + "  " + short_number(map.low), x - 6, "end");
  label(short_number(map.high), x + width + 6, "start");
}

void draw_cell(Markup& out, const HeatMap& map, size_t row, size_t column, const Box& cell) {
  const double value = map.values[row][column];
  if (!std::isfinite(value)) return;
  const double depth = std::clamp((value - map.low) / (map.high - map.low), 0.0, 1.0);
  Attributes attributes = painted("c0", "paper",
                                  {{"fill-opacity", px(depth)},
                                   {"stroke-width", "1"},
                                   {"x", px(cell.x)},
                                   {"y", px(cell.y)},
                                   {"width", px(cell.width)},
                                   {"height", px(cell.height)}});
  attributes[0].second += " cell";
  out.open("rect", attributes);
  out.element("title", {},
              map.rows[row] + "\n" + map.x_label + " " + map.columns[column] + "\n" +
                  map.value_label + " " + short_number(value));
  out.close();
  const std::string text = cell_text(value);
  if (text_width(text, 10.5) > cell.width - 2) return;
  const std::string role = depth > 0.55 ? "paper" : "ink";
  out.element("text",
              painted(role, "",
                      {{"x", px(cell.x + cell.width / 2)},
                       {"y", px(cell.y + 17)},
                       {"font-size", "10.5"},
                       {"text-anchor", "middle"},
                       {"pointer-events", "none"}}),
              text);
}

}  // namespace

double heat_map_height(const HeatMap& map) {
  return kHead + kRowHeight * static_cast<double>(map.rows.size()) + kFoot;
}

void draw_heat_map(Markup& out, const HeatMap& map, const Box& box, const PanelOptions& options) {
  const double title = draw_panel_title(out, map.title, box, options.small);
  double left = 30;
  for (const std::string& row : map.rows) left = std::max(left, text_width(row, 12) + 12);
  left = std::min(left, box.width * 0.4);
  const double top = box.y + std::max(title, 4.0);
  const auto columns = static_cast<double>(std::max<size_t>(1, map.columns.size()));
  const double width = std::min(64.0, (box.width - left) / columns);
  double free_from = -INFINITY;
  for (size_t c = 0; c < map.columns.size(); ++c) {
    const double x = box.x + left + (static_cast<double>(c) + 0.5) * width;
    const double half = text_width(map.columns[c], 11) / 2;
    if (x - half < free_from) continue;
    free_from = x + half + 4;
    out.element("text",
                painted("muted", "",
                        {{"x", px(x)},
                         {"y", px(top + kRowHeight * static_cast<double>(map.rows.size()) + 15)},
                         {"font-size", "11"},
                         {"text-anchor", "middle"}}),
                map.columns[c]);
  }
  for (size_t r = 0; r < map.rows.size(); ++r) {
    const double y = top + kRowHeight * static_cast<double>(r);
    out.element("text",
                painted("ink", "",
                        {{"x", px(box.x + left - 8)},
                         {"y", px(y + 17)},
                         {"font-size", "12"},
                         {"text-anchor", "end"}}),
                fit_text(map.rows[r], 12, left - 10));
    for (size_t c = 0; c < map.columns.size(); ++c) {
      draw_cell(out, map, r, c,
                {box.x + left + static_cast<double>(c) * width, y, width, kRowHeight});
    }
  }
  const double bottom = top + kRowHeight * static_cast<double>(map.rows.size());
  out.element("text",
              painted("muted", "",
                      {{"x", px(box.x + left + width * columns / 2)},
                       {"y", px(bottom + 32)},
                       {"font-size", "12"},
                       {"text-anchor", "middle"}}),
              map.x_label);
  const double scale = std::min(160.0, box.width * 0.3);
  const double label = text_width(map.value_label + "  0", 11) + 10;
  draw_scale(out, map, box.x + std::max(left, label), bottom + 42, scale);
}

}  // namespace icl::report
