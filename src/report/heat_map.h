// SPDX-License-Identifier: Apache-2.0
//
// Draws one heat map into a box of the surrounding SVG.
#pragma once

#include "src/report/line_chart.h"

namespace icl::report {

double heat_map_height(const HeatMap& map);
void draw_heat_map(Markup& out, const HeatMap& map, const Box& box, const PanelOptions& options);

}  // namespace icl::report
