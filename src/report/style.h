// SPDX-License-Identifier: Apache-2.0
//
// Colours, dashes and markers. A role ("ink", "muted", "grid", "tint", "paper", "c0" .. "c6") is
// painted by an attribute with its light colour and a class that the style sheet turns dark.
#pragma once

#include <string>

#include "icl/report/chart.h"
#include "icl/report/markup.h"

namespace icl::report {

// fill and stroke for these roles ("" or "none": not painted), followed by `more`.
Attributes painted(const std::string& fill, const std::string& stroke, Attributes more = {});

std::string series_role(const SeriesStyle& style);
std::string dash_pattern(int dash);  // stroke-dasharray; "" for a solid line

void draw_marker(Markup& out, const SeriesStyle& style, double x, double y);

// The line, marker and band of a series as they appear in a legend, 28 pixels wide around `y`.
constexpr double kSampleWidth = 28;
void draw_sample(Markup& out, const SeriesStyle& style, bool band, double x, double y);

}  // namespace icl::report
