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
