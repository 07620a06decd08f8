// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "src/report/figures.h"

namespace icl::report {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

ReportedProbe readout_at(int64_t step, double error, const std::string& task = "plain") {
  ReportedProbe probe{.task = {.key = task, .label = task}};
  probe.result.from.checkpoint_step = step;
  probe.result.n_layer = 2;
  probe.result.normaliser = {"d", 5};
  probe.result.found = ReadoutResult{
      .curves = {{.name = "fitted", .mean = {1.0, error}}},
      .matches = {
          {.reference = "gd", .curve = "fitted", .step = {1, 4}, .low = {0, 3}, .high = {2, 5}},
          {.reference = "gd", .curve = "raw", .step = {9, 9}, .low = {9, 9}, .high = {9, 9}}}};
  return probe;
}

ReadoutResult& readout_of(ReportedProbe& probe) {
  return std::get<ReadoutResult>(probe.result.found);
}

ReferenceProfile reference(const std::string& name, std::vector<double> mean) {
  return {.error = {.name = name, .mean = std::move(mean)}};
}

std::vector<std::string> ids_of(const Section& section) {
  std::vector<std::string> ids;
  for (const PageFigure& each : section.figures) ids.push_back(each.figure.id);
  return ids;
}

const LineChart& chart_of(const Section& section, size_t figure, size_t panel = 0) {
  return std::get<LineChart>(section.figures.at(figure).figure.panels.at(panel));
}

TEST(ProbeFigures, TakeTheNewestCheckpointAndShowHowItFormed) {
  ReportedRun run;
  run.probes = {readout_at(200, 0.25), readout_at(100, 0.5)};
  const Section section = probing_section({{.label = "Mamba", .runs = {&run}}});
  ASSERT_THAT(ids_of(section), ElementsAre("probe-readout", "probe-nearest", "probe-formation"));
  const LineChart& readout = chart_of(section, 0);
  EXPECT_THAT(readout.series.at(0).ys, ElementsAre(1.0, 0.25));
  EXPECT_EQ(readout.y.label, "Normalised squared error");
  const LineChart& nearest = chart_of(section, 1);
  EXPECT_THAT(nearest.series.at(0).ys, ElementsAre(1, 4));
  EXPECT_THAT(nearest.series.at(0).high, ElementsAre(2, 5));
  const LineChart& formation = chart_of(section, 2);
  ASSERT_EQ(formation.series.size(), 2U);
  EXPECT_EQ(formation.series[0].label, "step 100");
  EXPECT_THAT(formation.series[0].ys, ElementsAre(1.0, 0.5));
}

TEST(ProbeFigures, HaveAFigureForEachTask) {
  ReportedRun skewed, plain;
  skewed.probes = {readout_at(200, 0.25, "skewed")};
  plain.probes = {readout_at(200, 0.5, "gaussian")};
  readout_of(skewed.probes[0]).references = {reference("gd", {1, 0.9, 0.1})};
  readout_of(plain.probes[0]).references = {reference("gd", {1, 0.3, 0.1})};
  const Section section =
      probing_section({{.label = "A", .runs = {&skewed}}, {.label = "B", .runs = {&plain}}});
  ASSERT_THAT(ids_of(section),
              ElementsAre("probe-readout", "probe-nearest", "probe-readout", "probe-nearest"));
  EXPECT_EQ(section.figures[2].figure.title, "Read-out after every layer: gaussian");
  const LineChart& chart = chart_of(section, 2);
  ASSERT_EQ(chart.series.size(), 2U);
  EXPECT_EQ(chart.series[0].label, "B");
  EXPECT_THAT(chart.series[1].ys, ElementsAre(0.3, 0.1));
}

TEST(ProbeFigures, SayWhatTheBandsAre) {
  ReportedRun one, two;
  one.probes = {readout_at(200, 0.25)};
  two.probes = {readout_at(200, 0.75)};
  const Section single = probing_section({{.label = "Mamba", .runs = {&one}}});
  EXPECT_THAT(single.figures.at(0).figure.caption, HasSubstr("bands are 95% intervals"));
  const Section seeds = probing_section({{.label = "Mamba", .runs = {&one, &two}}});
  EXPECT_THAT(seeds.figures.at(0).figure.caption, HasSubstr("from the lowest to the highest seed"));
  EXPECT_THAT(chart_of(seeds, 0).series.at(0).low, ElementsAre(1.0, 0.25));
}

TEST(ProbeFigures, PutOneIterationBesideEachLayerAndTheBestPenaltyBesideAll) {
  ReportedRun run;
  run.probes = {readout_at(200, 0.25)};
  readout_of(run.probes[0]).references = {reference("gd", {1, 0.5, 0.25, 0.125}),
                                          reference("ridge", {1, 0.2, 0.1, 0.3}),
                                          reference("newton", {0.9, 0.4})};
  const Section section = probing_section({{.label = "Mamba", .runs = {&run}}});
  const LineChart& chart = chart_of(section, 0);
  ASSERT_EQ(chart.series.size(), 4U);
  EXPECT_THAT(chart.series[1].ys, ElementsAre(0.5, 0.25));
  EXPECT_THAT(chart.series[1].xs, ElementsAre(0, 1));
  EXPECT_THAT(chart.series[2].ys, ElementsAre(0.1, 0.1));
  EXPECT_THAT(chart.series[3].ys, ElementsAre(0.4));
  EXPECT_THAT(chart.series[3].xs, ElementsAre(0));
}

TEST(ProbeFigures, MapTargetsByTokensWithOneRowOfControls) {
  const auto target = [](const char* name, const char* tokens, std::vector<double> r2,
                         const std::vector<double>& control) {
    return LinearTarget{.name = name, .tokens = tokens, .r2 = std::move(r2), .control = control};
  };
  ReportedRun run;
  run.probes = {{.task = {.key = "plain", .label = "plain"}}};
  run.probes[0].result.n_layer = 2;
  run.probes[0].result.found =
      LinearResult{.targets = {target("y", "x", {0.1, 0.9}, {0.01, -0.02}),
                               target("moment", "x", {0.3, 0.2}, {-0.01, 0.03}),
                               target("y", "both", {0.2, 0.8}, {NAN, NAN})}};
  const Section section = probing_section({{.label = "Mamba", .runs = {&run}}});
  ASSERT_THAT(ids_of(section), ElementsAre("probe-targets", "probe-profiles"));
  EXPECT_FALSE(section.figures[0].folded);
  EXPECT_TRUE(section.figures[1].folded);
  const Figure& maps = section.figures[0].figure;
  ASSERT_EQ(maps.panels.size(), 2U);
  const auto& x = std::get<HeatMap>(maps.panels[0]);
  EXPECT_EQ(x.title, "Mamba, x token");
  EXPECT_THAT(x.rows, ElementsAre("y", "moment", "shuffled, highest"));
  EXPECT_THAT(x.values[1], ElementsAre(0.3, 0.2));
  EXPECT_THAT(x.values[2], ElementsAre(0.01, 0.03));
  const auto& both = std::get<HeatMap>(maps.panels[1]);
  EXPECT_EQ(both.title, "Mamba, both tokens");
  EXPECT_THAT(both.rows, ElementsAre("y"));
}

TEST(ProbeFigures, OneCheckpointWithRawErrors) {
  ReportedRun run;
  run.probes = {readout_at(200, 0.25)};
  run.probes[0].result.normaliser = {"none", 1};
  readout_of(run.probes[0]).matches.clear();
  const Section section = probing_section({{.label = "Mamba", .runs = {&run}}});
  ASSERT_THAT(ids_of(section), ElementsAre("probe-readout"));
  EXPECT_EQ(chart_of(section, 0).y.label, "Squared error");
}

}  // namespace
}  // namespace icl::report
