// SPDX-License-Identifier: Apache-2.0
#include "icl/io/yaml.h"

#include <gmock/gmock.h>

#include <cmath>
#include <fstream>

#include "icl/base/error.h"
#include "tests/support/temp_folder.h"

namespace icl {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class Yaml : public ::testing::Test {
 protected:
  YamlFile read(const std::string& text) {
    std::ofstream(folder_ / "a.yaml") << text;
    return read_yaml_file(folder_ / "a.yaml");
  }
  std::string refusal(const std::string& text) {
    try {
      read(text);
    } catch (const DataError& error) {
      return error.what();
    }
    return "";
  }

  testing::TempFolder folder_;
};

TEST_F(Yaml, ScalarsAreWhatTheyLookLike) {
  const auto value = read(
                         "a: 1\nb: -2.5\nc: 1.0e-05\nd: true\ne: null\nf:\ng: word\nh: '7'\n"
                         "i: \"true\"\nj: [1, two, ~]\nk: {}\nl: .inf\nm: 9223372036854775808\n"
                         "n: +3\no: 1e4\np: infinity\nq: 0x10\n")
                         .value;
  EXPECT_EQ(value["a"], 1);
  EXPECT_TRUE(value["a"].is_number_integer());
  EXPECT_EQ(value["b"], -2.5);
  EXPECT_EQ(value["c"], 1e-5);
  EXPECT_EQ(value["d"], true);
  EXPECT_TRUE(value["e"].is_null());
  EXPECT_TRUE(value["f"].is_null());
  EXPECT_EQ(value["g"], "word");
  EXPECT_EQ(value["h"], "7");
  EXPECT_EQ(value["i"], "true");
  EXPECT_EQ(value["j"].dump(), R"([1,"two",null])");
  EXPECT_TRUE(value["k"].is_object());
  EXPECT_TRUE(std::isinf(value["l"].get<double>()));
  EXPECT_EQ(value["m"], 9223372036854775808.0);
  EXPECT_EQ(value["n"], 3);
  EXPECT_EQ(value["o"], 1e4);
  EXPECT_EQ(value["p"], "infinity");
  EXPECT_EQ(value["q"], "0x10");
}

TEST_F(Yaml, KnowsTheLineOfEveryPath) {
  const YamlFile file = read("# first\na:\n  b: 1\n  c:\n    d: 2\ne: 3\n");
  EXPECT_EQ(file.lines.at("a"), 2);
  EXPECT_EQ(file.lines.at("a.b"), 3);
  EXPECT_EQ(file.lines.at("a.c.d"), 5);
  EXPECT_EQ(file.lines.at("e"), 6);
}

TEST_F(Yaml, FollowsAliases) {
  EXPECT_EQ(read("a: &id001 {x: 1}\nb: *id001\n").value["b"]["x"], 1);
}

TEST_F(Yaml, RefusesWhatIsNotOneSaneDocument) {
  EXPECT_THAT(refusal("a: [1, 2\n"), AllOf(HasSubstr("a.yaml"), HasSubstr("line")));
  EXPECT_THAT(refusal("a: 1\nb: 2\na: 3\n"), AllOf(HasSubstr("line 3"), HasSubstr("'a' a second")));
  EXPECT_THAT(refusal("a: 1\n---\nb: 2\n"), HasSubstr("2 YAML documents"));
  EXPECT_THAT(refusal(""), HasSubstr("0 YAML documents"));
  EXPECT_THAT(refusal("? [a, b]\n: 1\n"), HasSubstr("not a word"));
  EXPECT_THAT(refusal("a: *nothing\n"), HasSubstr("line 1"));
  EXPECT_THAT(refusal(std::string(100, '[') + std::string(100, ']')), HasSubstr("nested deeper"));
  EXPECT_THAT(refusal(std::string(100000, '[')), HasSubstr("a.yaml"));
  EXPECT_THAT(refusal("a: &a {b: *a}\n"), HasSubstr("a.yaml"));
  std::string bomb = "a0: &a0 [1, 1]\n";
  for (int i = 1; i < 30; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before + ", " + before +
            "]\n";
  }
  EXPECT_THAT(refusal(bomb), HasSubstr("more than 10000 values"));
}

TEST_F(Yaml, AMissingFileIsNamed) {
  EXPECT_THAT(testing::message_of([&] { read_yaml_file(folder_ / "none.yaml"); }),
              HasSubstr("none.yaml"));
}

}  // namespace
}  // namespace icl
