// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "src/report/figures.h"

namespace icl::report {
namespace {

using ::testing::ElementsAre;

Probe readout_at(int64_t step, double error) {
  Probe probe;
  probe.kind = "readout";
  probe.checkpoint_step = step;
  probe.n_layers = 2;
  probe.normaliser = "d = 5";
  probe.errors = {{.name = "fitted", .mean = {1.0, error}}};
  probe.nearest = {
      {.reference = "gd", .curve = "fitted", .step = {1, 4}, .low = {0, 3}, .high = {2, 5}},
      {.reference = "gd", .curve = "raw", .step = {9, 9}, .low = {9, 9}, .high = {9, 9}}};
  return probe;
}

std::vector<std::string> ids_of(const Section& section) {
  std::vector<std::string> ids;
  for (const Figure& figure : section.figures) ids.push_back(figure.id);
  return ids;
}

TEST(ProbeFigures, TakeTheNewestCheckpointAndShowHowItFormed) {
  RunRecord run;
  run.probes = {readout_at(200, 0.25), readout_at(100, 0.5)};
  const std::vector<Group> groups = {{.label = "Mamba", .runs = {&run}, .style = {}}};
  const Section section = probing_section(groups);
  ASSERT_THAT(ids_of(section), ElementsAre("probe-readout", "probe-nearest", "probe-formation"));
  const auto& readout = std::get<LineChart>(section.figures[0].panels[0]);
  EXPECT_THAT(readout.series.at(0).ys, ElementsAre(1.0, 0.25));
  EXPECT_EQ(readout.y.label, "Normalised squared error");
  const auto& nearest = std::get<LineChart>(section.figures[1].panels.at(0));
  EXPECT_THAT(nearest.series.at(0).ys, ElementsAre(1, 4));
  EXPECT_THAT(nearest.series.at(0).high, ElementsAre(2, 5));
  const auto& formation = std::get<LineChart>(section.figures[2].panels.at(0));
  ASSERT_EQ(formation.series.size(), 2U);
  EXPECT_EQ(formation.series[0].label, "step 100");
  EXPECT_THAT(formation.series[0].ys, ElementsAre(1.0, 0.5));
}

TEST(ProbeFigures, HaveAPanelForEachTask) {
  RunRecord skewed, plain;
  skewed.probes = {readout_at(200, 0.25)};
  skewed.probes[0].task_key = skewed.probes[0].task_label = "skewed";
  plain.probes = {readout_at(200, 0.5)};
  plain.probes[0].task_key = plain.probes[0].task_label = "gaussian";
  for (RunRecord* run : {&skewed, &plain}) {
    const double at_once = run == &skewed ? 0.9 : 0.3;
    run->probes[0].references = {{.name = "gd", .baseline = true, .mean = {1, at_once, 0.1}}};
  }
  const std::vector<Group> groups = {{.label = "A", .runs = {&skewed}, .style = {}},
                                     {.label = "B", .runs = {&plain}, .style = {}}};
  const Section section = probing_section(groups);
  ASSERT_THAT(ids_of(section),
              ElementsAre("probe-readout", "probe-nearest", "probe-readout", "probe-nearest"));
  EXPECT_EQ(section.figures[2].title, "Read-out after every layer: gaussian");
  const auto& chart = std::get<LineChart>(section.figures[2].panels.at(0));
  ASSERT_EQ(chart.series.size(), 2U);
  EXPECT_EQ(chart.series[0].label, "B");
  EXPECT_THAT(chart.series[1].ys, ElementsAre(0.3, 0.1));
}

TEST(ProbeFigures, SayWhatTheBandsAre) {
  RunRecord one, two;
  one.probes = {readout_at(200, 0.25)};
  two.probes = {readout_at(200, 0.75)};
  using ::testing::HasSubstr;
  const Section single = probing_section({{.label = "Mamba", .runs = {&one}, .style = {}}});
  EXPECT_THAT(single.figures.at(0).caption, HasSubstr("bands are 95% intervals"));
  const Section seeds = probing_section({{.label = "Mamba", .runs = {&one, &two}, .style = {}}});
  EXPECT_THAT(seeds.figures.at(0).caption, HasSubstr("from the lowest to the highest seed"));
  const auto& chart = std::get<LineChart>(seeds.figures[0].panels.at(0));
  EXPECT_THAT(chart.series.at(0).low, ElementsAre(1.0, 0.25));
}

TEST(ProbeFigures, PutOneIterationBesideEachLayerAndTheBestPenaltyBesideAll) {
  RunRecord run;
  run.probes = {readout_at(200, 0.25)};
  run.probes[0].references = {{.name = "gd", .baseline = true, .mean = {1, 0.5, 0.25, 0.125}},
                              {.name = "ridge", .baseline = true, .mean = {1, 0.2, 0.1, 0.3}},
                              {.name = "newton", .baseline = true, .mean = {0.9, 0.4}}};
  const std::vector<Group> groups = {{.label = "Mamba", .runs = {&run}, .style = {}}};
  const Section section = probing_section(groups);
  const auto& chart = std::get<LineChart>(section.figures.at(0).panels.at(0));
  ASSERT_EQ(chart.series.size(), 4U);
  EXPECT_THAT(chart.series[1].ys, ElementsAre(0.5, 0.25));
  EXPECT_THAT(chart.series[1].xs, ElementsAre(0, 1));
  EXPECT_THAT(chart.series[2].ys, ElementsAre(0.1, 0.1));
  EXPECT_THAT(chart.series[3].ys, ElementsAre(0.4));
  EXPECT_THAT(chart.series[3].xs, ElementsAre(0));
}

TEST(ProbeFigures, MapTargetsByTokensWithOneRowOfControls) {
  RunRecord run;
  Probe probe;
  probe.kind = "linear";
  probe.n_layers = 2;
  const auto add = [&](const char* name, bool control, std::vector<double> r2) {
    probe.targets.push_back({.name = name, .baseline = control, .mean = std::move(r2)});
  };
  add("y (x)", false, {0.1, 0.9});
  add("y (x)", true, {0.01, -0.02});
  add("moment (x)", false, {0.3, 0.2});
  add("moment (x)", true, {-0.01, 0.03});
  add("y (both)", false, {0.2, 0.8});
  run.probes = {probe};
  const std::vector<Group> groups = {{.label = "Mamba", .runs = {&run}, .style = {}}};
  const Section section = probing_section(groups);
  ASSERT_THAT(ids_of(section), ElementsAre("probe-targets", "probe-profiles"));
  const Figure& maps = section.figures[0];
  ASSERT_EQ(maps.panels.size(), 2U);
  const auto& x = std::get<HeatMap>(maps.panels[0]);
  EXPECT_EQ(x.title, "Mamba, x token");
  EXPECT_THAT(x.rows, ElementsAre("y", "moment", "shuffled, highest"));
  EXPECT_THAT(x.values[1], ElementsAre(0.3, 0.2));
  EXPECT_THAT(x.values[2], ElementsAre(0.01, 0.03));
  const auto& both = std::get<HeatMap>(maps.panels[1]);
  EXPECT_EQ(both.title, "Mamba, both");
  EXPECT_THAT(both.rows, ElementsAre("y"));
}

TEST(ProbeFigures, OneCheckpointWithRawErrors) {
  RunRecord run;
  run.probes = {readout_at(200, 0.25)};
  run.probes[0].normaliser = "none = 1";
  run.probes[0].nearest.clear();
  const std::vector<Group> groups = {{.label = "Mamba", .runs = {&run}, .style = {}}};
  const Section section = probing_section(groups);
  ASSERT_THAT(ids_of(section), ElementsAre("probe-readout"));
  EXPECT_EQ(std::get<LineChart>(section.figures[0].panels[0]).y.label, "Squared error");
}

}  // namespace
}  // namespace icl::report
