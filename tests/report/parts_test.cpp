// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "icl/report/axis.h"
#include "icl/report/chart.h"
#include "icl/report/markup.h"
#include "icl/training/tensorboard.h"
#include "src/report/groups.h"

namespace icl::report {
namespace {

using ::testing::HasSubstr;
using Texts = std::vector<std::string>;

TEST(Axis, PicksRoundTicks) {
  EXPECT_EQ(linear_ticks(0, 41, 6).labels, (Texts{"0", "10", "20", "30", "40"}));
  EXPECT_EQ(linear_ticks(0, 1.06, 5).labels, (Texts{"0", "0.25", "0.50", "0.75", "1.00"}));
  EXPECT_EQ(linear_ticks(0, 3, 9, true).labels, (Texts{"0", "1", "2", "3"}));
  EXPECT_EQ(linear_ticks(0, 500000, 5).labels.back(), "500k");
  EXPECT_EQ(log_ticks(1e-3, 1, 6).labels, (Texts{"0.001", "0.01", "0.1", "1"}));
  EXPECT_EQ(log_ticks(0.1, 1, 6).labels, (Texts{"0.1", "0.2", "0.5", "1"}));
  EXPECT_EQ(log_ticks(1e-5, 1, 6).labels.front(), "10\u207b\u2075");
}

TEST(Axis, WritesNumbersForPeople) {
  EXPECT_EQ(short_number(0.012345), "0.0123");
  EXPECT_EQ(short_number(10518273), "10.5M");
  EXPECT_EQ(short_number(3.2e-7), "3.2e-7");
  EXPECT_EQ(short_number(-1.5), "\u22121.5");
  EXPECT_EQ(short_number(NAN), "\u2013");
  EXPECT_EQ(percent(0.0231), "2.3%");
  EXPECT_EQ(percent(1e-6), "< 0.01%");
}

TEST(Axis, ProjectsLinearlyAndLogarithmically) {
  EXPECT_DOUBLE_EQ(Projection(Scale::kLinear, 0, 41, 50, 450)(20.5), 250);
  const Projection log(Scale::kLog, 0.01, 1, 100, 0);
  EXPECT_DOUBLE_EQ(log(0.1), 50);
  EXPECT_DOUBLE_EQ(log(0), 500);  // four lengths below the axis
}

TEST(Markup, EscapesWhatMayNotStand) {
  EXPECT_EQ(escape("<a & 'b' \"c\">"), "&lt;a &amp; &#39;b&#39; &quot;c&quot;&gt;");
  EXPECT_EQ(escape("\x01\xff"), "\ufffd\ufffd");
  EXPECT_EQ(escape("\u00e9\u2192"), "\u00e9\u2192");
  EXPECT_EQ(px(-0.001), "0");
  EXPECT_EQ(px(12.5), "12.5");
  EXPECT_EQ(px(1.05), "1.05");
  EXPECT_EQ(slug("Linear regression, 20!"), "linear-regression-20");
}

TEST(Table, QuotesAndKeepsEveryDigit) {
  const Table table{{"a,b", "c"}, {{"say \"x\"", 0.1}, {"", NAN}}};
  EXPECT_EQ(to_csv(table), "\"a,b\",c\r\n\"say \"\"x\"\"\",0.1\r\n,\r\n");
}

TEST(Chart, DrawsTheLineItIsGiven) {
  LineChart chart;
  chart.y.low = 0;
  chart.y.high = 1;
  chart.series.push_back({.label = "a", .xs = {0, 1, 2}, .ys = {1, NAN, 0}});
  const std::string svg = standalone_svg({.id = "f", .title = "T", .panels = {chart}});
  EXPECT_THAT(svg, HasSubstr("role=\"img\""));
  EXPECT_THAT(svg, HasSubstr("prefers-color-scheme:dark"));
  // A NaN lifts the pen: two pieces without a stroke between them.
  const size_t line = svg.find("stroke-linejoin");
  ASSERT_NE(line, std::string::npos);
  const size_t path = svg.find(" d=\"M", line) + 4;
  const std::string d = svg.substr(path, svg.find('"', path) - path);
  EXPECT_EQ(std::count(d.begin(), d.end(), 'M'), 2);
  EXPECT_EQ(std::count(d.begin(), d.end(), 'L'), 0);
}

TEST(Axis, ShowsRangesOfEverySize) {
  const std::pair<double, double> wide = axis_range(Scale::kLog, 1e-323, 1.7e308);
  EXPECT_EQ(wide, std::pair(1e-300, 1e300));
  const Ticks ticks = log_ticks(wide.first, wide.second, 6);
  EXPECT_GE(ticks.at.size(), 2U);
  EXPECT_LE(ticks.at.size(), 7U);
  EXPECT_LE(ticks.minor.size(), 60U);
  // The middle of 600 decades.
  EXPECT_NEAR(Projection(Scale::kLog, wide.first, wide.second, 0, 100)(1.0), 50, 1e-9);
  const std::pair<double, double> point = axis_range(Scale::kLinear, 1e300, 1e300);
  EXPECT_LT(point.first, point.second);
  EXPECT_FALSE(linear_ticks(point.first, point.second, 5).at.empty());
  const std::pair<double, double> tiny = axis_range(Scale::kLinear, 0, 5e-324);
  EXPECT_LE(linear_ticks(tiny.first, tiny.second, 5).at.size(), 6U);
  EXPECT_TRUE(std::isnan(Projection(Scale::kLog, 1, 10, 0, 1)(INFINITY)));
  EXPECT_EQ(short_number(3.2e300), "3.2e300");
  EXPECT_EQ(short_number(5e-324), "4.9e-324");
}

TEST(Groups, AveragesOverSeeds) {
  const Curve a{.mean = {1, 2, 9}}, b{.mean = {3, 2}};
  const Curve gap = over_seeds<Curve>({{.mean = {NAN, 1}}, {.mean = {3, NAN}}, {.mean = {5, NAN}}});
  EXPECT_EQ(gap.mean, (std::vector<double>{4, 1}));
  const Curve both = over_seeds<Curve>({a, b});
  EXPECT_EQ(both.mean, (std::vector<double>{2, 2}));
  EXPECT_DOUBLE_EQ(both.std[0], std::sqrt(2.0));
  EXPECT_EQ(both.low, (std::vector<double>{1, 2}));
  EXPECT_EQ(both.high, (std::vector<double>{3, 2}));
}

TEST(TensorBoard, WritesTheRecordFormat) {
  // The published check value of CRC-32C for "123456789" is e3069283.
  EXPECT_EQ(masked_crc32c("123456789"), (0xe3069283U >> 15 | 0xe3069283U << 17) + 0xa282ead8U);
  const auto folder = std::filesystem::temp_directory_path() / "icl_tensorboard_test";
  std::filesystem::remove_all(folder);
  TensorBoardWriter writer(folder, 0, 2.0);
  writer.scalar("loss", 0.25, 300, 2.0);
  std::ostringstream text;
  text << std::ifstream(writer.path(), std::ios::binary).rdbuf();
  const std::string bytes = text.str();
  using namespace std::string_literals;
  const std::string event =
      "\x09\0\0\0\0\0\0\0\x40\x10\xac\x02\x2a\x0d\x0a\x0b\x0a\x04loss\x15\0\0\x80\x3e"s;
  ASSERT_EQ(bytes.size(), (12 + 24 + 4) + (12 + event.size() + 4));
  EXPECT_EQ(bytes.substr(12, 24), "\x09\0\0\0\0\0\0\0\x40\x1a\x0d"s + "brain.Event:2");
  EXPECT_EQ(bytes.substr(40, 8), "\x1b\0\0\0\0\0\0\0"s);
  EXPECT_EQ(bytes.substr(52, event.size()), event);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace icl::report
