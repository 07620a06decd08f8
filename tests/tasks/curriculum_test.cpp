// SPDX-License-Identifier: Apache-2.0
#include "icl/tasks/curriculum.h"

#include <gtest/gtest.h>

namespace icl {
namespace {

TEST(Curriculum, GrowsAsPublished) {
  const CurriculumConfig config;
  const auto at = [&](int64_t step) {
    const CurriculumStage stage = curriculum_stage(config, step);
    return std::pair(stage.n_dims, stage.n_points);
  };
  EXPECT_EQ(at(0), std::pair(int64_t{5}, int64_t{11}));
  EXPECT_EQ(at(1999), std::pair(int64_t{5}, int64_t{11}));
  EXPECT_EQ(at(2000), std::pair(int64_t{6}, int64_t{13}));
  EXPECT_EQ(at(29999), std::pair(int64_t{19}, int64_t{39}));
  EXPECT_EQ(at(30000), std::pair(int64_t{20}, int64_t{41}));
  EXPECT_EQ(at(500000), std::pair(int64_t{20}, int64_t{41}));
}

TEST(Curriculum, GrowsInStepsOfFiveForNetworksAndTrees) {
  const CurriculumConfig config{.points = {.start = 26, .end = 101, .increment = 5}};
  EXPECT_EQ(curriculum_stage(config, 4000).n_points, 36);
  EXPECT_EQ(curriculum_stage(config, 29999).n_points, 96);
  EXPECT_EQ(curriculum_stage(config, 30000).n_points, 101);
}

TEST(Curriculum, StopsAtTheEndHoweverGreatTheIncrement) {
  CurriculumConfig config;
  config.dims = {.start = 2, .end = 5, .increment = INT64_MAX, .interval = 5};
  EXPECT_EQ(curriculum_stage(config, 4).n_dims, 2);
  for (const int64_t step : {5, 6, 10, 1000000}) {
    EXPECT_EQ(curriculum_stage(config, step).n_dims, 5);
  }
}

TEST(Curriculum, StopsAtTheEndBetweenIncrements) {
  const CurriculumConfig config{.dims = {.start = 3, .end = 7, .increment = 3, .interval = 10}};
  EXPECT_EQ(curriculum_stage(config, 19).n_dims, 6);
  EXPECT_EQ(curriculum_stage(config, 20).n_dims, 7);
}

}  // namespace
}  // namespace icl
