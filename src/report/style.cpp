// SPDX-License-Identifier: Apache-2.0
#include "src/report/style.h"

#include <array>
#include <cmath>
#include <string_view>

#include "icl/base/error.h"

namespace icl::report {
namespace {

struct Colour {
  std::string_view role, light, dark;
};

// c0 .. c6 after Okabe and Ito (2008), the yellow darkened to be seen on white; each is lightened
// for a dark page.
constexpr std::array<Colour, 12> kColours = {{
    {"ink", "#1b1f24", "#e8eaed"},
    {"muted", "#5b6470", "#a3adb9"},
    {"grid", "#e3e7eb", "#2d343c"},
    {"tint", "#f3f5f7", "#1e242b"},
    {"paper", "#ffffff", "#14181d"},
    {"c0", "#0072b2", "#58b0ee"},
    {"c1", "#d55e00", "#f58b42"},
    {"c2", "#009e73", "#34c79c"},
    {"c3", "#b3478a", "#e79bc6"},
    {"c4", "#c98a00", "#f2bd4b"},
    {"c5", "#2c9fd6", "#9ad9fb"},
    {"c6", "#7a6f00", "#d9cf52"},
}};

std::string light(const std::string& role) {
  for (const Colour& colour : kColours) {
    if (colour.role == role) return std::string(colour.light);
  }
  ICL_ASSERT(role.empty() || role == "none", "no colour ", role);
  return "none";
}

std::string regular_polygon(double x, double y, double radius, int corners, double first_angle) {
  std::string points;
  for (int i = 0; i < corners; ++i) {
    const double angle = first_angle + 2 * M_PI * i / corners;
    points += (i > 0 ? " " : "") + px(x + radius * std::cos(angle)) + ',' +
              px(y + radius * std::sin(angle));
  }
  return points;
}

}  // namespace

Attributes painted(const std::string& fill, const std::string& stroke, Attributes more) {
  std::string classes;
  if (!fill.empty() && fill != "none") classes = "f-" + fill;
  if (!stroke.empty()) classes += (classes.empty() ? "s-" : " s-") + stroke;
  Attributes attributes = {{"class", classes}, {"fill", light(fill)}};
  if (!stroke.empty()) attributes.emplace_back("stroke", light(stroke));
  attributes.insert(attributes.end(), more.begin(), more.end());
  return attributes;
}

std::string series_role(const SeriesStyle& style) {
  if (style.hue < 0) return style.dash == 1 ? "ink" : "muted";
  return "c" + std::to_string(style.hue % kHues);
}

std::string dash_pattern(int dash) {
  constexpr std::array<std::string_view, 7> kPatterns = {"",      "7 3.5",     "2 2.5", "9 3 2 3",
                                                         "1 3.5", "4.5 2 1 2", "12 3"};
  return std::string(kPatterns[static_cast<size_t>(dash) % kPatterns.size()]);
}

void draw_marker(Markup& out, const SeriesStyle& style, double x, double y) {
  if (style.marker < 0) return;
  const std::string role = series_role(style);
  const Attributes line = {{"stroke-width", "1.5"}};
  const auto polygon = [&](const std::string& fill, int corners, double angle, double radius) {
    Attributes attributes = painted(fill, role, line);
    attributes.emplace_back("points", regular_polygon(x, y, radius, corners, angle));
    out.leaf("polygon", attributes);
  };
  switch (style.marker % kHues) {
    case 0: {
      Attributes circle = painted(role, role, line);
      for (const auto& [name, value] : {std::pair{"cx", px(x)}, {"cy", px(y)}, {"r", px(2.9)}}) {
        circle.emplace_back(name, value);
      }
      out.leaf("circle", circle);
      break;
    }
    case 1:
      polygon("paper", 4, M_PI / 4, 4.2);
      break;
    case 2:
      polygon(role, 3, -M_PI / 2, 4.2);
      break;
    case 3:
      polygon("paper", 4, 0, 4.6);
      break;
    case 4:
      polygon(role, 3, M_PI / 2, 4.2);
      break;
    case 5:
      polygon("paper", 6, 0, 3.8);
      break;
    default:
      polygon(role, 4, M_PI / 4, 3.6);
      break;
  }
}

void draw_sample(Markup& out, const SeriesStyle& style, bool band, double x, double y) {
  const std::string role = series_role(style);
  if (band) {
    out.leaf("rect", painted(role, "",
                             {{"fill-opacity", "0.18"},
                              {"x", px(x)},
                              {"y", px(y - 5)},
                              {"width", px(kSampleWidth)},
                              {"height", "10"}}));
  }
  out.leaf("path", painted("none", role,
                           {{"stroke-width", px(style.width)},
                            {"stroke-dasharray", dash_pattern(style.dash)},
                            {"d", "M" + px(x) + ',' + px(y) + 'H' + px(x + kSampleWidth)}}));
  draw_marker(out, style, x + kSampleWidth / 2, y);
}

std::string chart_css() {
  std::string css =
      ".icl-chart text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',"
      "'Noto Sans',Arial,sans-serif;font-variant-numeric:tabular-nums}\n"
      ".icl-chart .hover{fill:#808890;fill-opacity:0}\n"
      ".icl-chart .hover:hover{fill-opacity:.16}\n"
      ".icl-chart .cell:hover{stroke-width:1.5}\n"
      "@media screen and (prefers-color-scheme:dark){\n";
  for (const Colour& colour : kColours) {
    const std::string role(colour.role);
    const std::string dark(colour.dark);
    css += ".icl-chart .f-" + role + "{fill:" + dark + "}.icl-chart .s-" + role +
           "{stroke:" + dark + "}\n";
  }
  return css + "}\n";
}

}  // namespace icl::report
