// SPDX-License-Identifier: Apache-2.0
#include "icl/base/text.h"

#include <gtest/gtest.h>

namespace icl {
namespace {

TEST(Text, SplitsAndJoins) {
  EXPECT_EQ(split("a,,b", ','), (std::vector<std::string>{"a", "", "b"}));
  EXPECT_TRUE(split("", ',').empty());
  EXPECT_EQ(join({"a", "b"}), "a, b");
}

TEST(Text, FindsTheNearestWord) {
  const std::vector<std::string> keys = {"n_layer", "d_model", "d_state"};
  EXPECT_EQ(nearest("n_layers", keys), "n_layer");
  EXPECT_EQ(nearest("d_modle", keys), "d_model");
  EXPECT_EQ(nearest("layer", keys), "n_layer");
  EXPECT_EQ(nearest("colour", keys), "");
  EXPECT_EQ(did_you_mean("d_stat", keys), "; did you mean 'd_state'?");
}

TEST(Text, WritesNumbersForPeople) {
  EXPECT_EQ(human_bytes(1536), "1.5 KiB");
  EXPECT_EQ(human_bytes(12), "12 B");
  EXPECT_EQ(human_duration(3725), "1:02:05");
  EXPECT_EQ(human_duration(65), "1:05");
  EXPECT_EQ(with_commas(10518273), "10,518,273");
  EXPECT_EQ(with_commas(-123), "-123");
  EXPECT_EQ(with_commas(-1234), "-1,234");
  EXPECT_EQ(shortest(0.1), "0.1");
}

}  // namespace
}  // namespace icl
