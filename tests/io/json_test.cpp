// SPDX-License-Identifier: Apache-2.0
#include "icl/io/json.h"

#include <gmock/gmock.h>

#include <cmath>
#include <fstream>

#include "icl/base/error.h"
#include "tests/support/temp_folder.h"

namespace icl {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string refusal(const std::string& text, const JsonDialect& dialect = {}) {
  try {
    parse_json(text, "a.json", dialect);
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

std::string nested(int depth) {
  return std::string(static_cast<size_t>(depth), '[') +
         std::string(static_cast<size_t>(depth), ']');
}

TEST(ParseJson, ReadsValuesInTheOrderOfTheText) {
  EXPECT_EQ(parse_json(R"({"b": [1, -2.5e3, "\u00e9"], "a": null})", "x").dump(),
            R"({"b":[1,-2500.0,"é"],"a":null})");
  EXPECT_EQ(parse_json<json>(R"({"b": 1, "a": 2, "b": 3})", "x").dump(), R"({"a":2,"b":3})");
}

TEST(ParseJson, NamesThePlaceOfAnError) {
  EXPECT_THAT(refusal("{\n  \"a\": 1,\n  \"b\" 2\n}"), StartsWith("a.json:3:7: not valid JSON: "));
  EXPECT_THAT(refusal("[1, 2,\n]"), HasSubstr("no comma before a closing bracket"));
  EXPECT_THAT(refusal("{\"a\": 1,}"), HasSubstr("no comma before a closing bracket"));
  EXPECT_THAT(refusal("seed: 3\nsteps: 5\n"), HasSubstr("looks like YAML"));
  EXPECT_THAT(refusal("---\na:\n  - 1\n"), HasSubstr("looks like YAML"));
  EXPECT_THAT(refusal(" \n"), HasSubstr("the text is empty"));
  EXPECT_THAT(refusal("[1e999]"), HasSubstr("a.json: not valid JSON: number overflow"));
  EXPECT_THAT(refusal("[\"\xff\"]"), HasSubstr("a.json:1:3: not valid JSON: "));
}

TEST(ParseJson, BoundsTheDepthOfBrackets) {
  EXPECT_EQ(refusal(nested(kDeepestJson)), "");
  EXPECT_THAT(refusal("\n" + nested(kDeepestJson + 1)),
              StartsWith("a.json:2:1001: brackets nest more than 1000 deep"));
  EXPECT_THAT(refusal(std::string(100'000, '[')), HasSubstr("nest more than"));
  // Brackets inside strings and comments are no nesting.
  EXPECT_EQ(refusal("[\"" + std::string(5000, '[') + "\\\"" + std::string(5000, '{') + "\"]"), "");
  EXPECT_EQ(refusal("[1] // " + std::string(5000, '['), {.comments = true}), "");
  // Brackets beside one another are none, either.
  std::string row = "[[]";
  for (int i = 0; i < 3000; ++i) row += ",[]";
  EXPECT_EQ(refusal(row + "]"), "");
}

TEST(ParseJson, PassesAByteOrderMark) {
  EXPECT_EQ(parse_json("\xEF\xBB\xBF{\"a\": 1}", "x").dump(), R"({"a":1})");
  EXPECT_THAT(refusal("\xEF\xBB\xBF[1,\n x]"), StartsWith("a.json:2:2: "));
}

TEST(ParseJson, ReadsCommentsOnlyWhereTheyAreSpoken) {
  EXPECT_EQ(parse_json("[1, // one\n /* two */ 2]", "x", {.comments = true}).dump(), "[1,2]");
  EXPECT_THAT(refusal("[1, // one\n 2]"), HasSubstr("a.json:1:5: not valid JSON"));
}

TEST(ParseJson, ReadsThePythonNumbersOnlyWhereTheyAreSpoken) {
  const std::string text = R"({"a": NaN, "b": [Infinity, -Infinity, -1], "c": "NaN -Infinity"})";
  EXPECT_THAT(refusal(text), HasSubstr("not valid JSON"));
  const auto value = parse_json<json>(text, "x", {.python_numbers = true});
  EXPECT_TRUE(std::isnan(value["a"].get<double>()));
  EXPECT_EQ(value["b"][0].get<double>(), HUGE_VAL);
  EXPECT_EQ(value["b"][1].get<double>(), -HUGE_VAL);
  EXPECT_EQ(value["b"][2].get<int>(), -1);
  EXPECT_EQ(value["c"].get<std::string>(), "NaN -Infinity");
  EXPECT_THAT(refusal("[Nan]", {.python_numbers = true}), HasSubstr("a.json:1:2: not valid JSON"));
}

TEST(ReadJson, NamesTheFile) {
  const testing::TempFolder folder;
  std::ofstream(folder / "a.json") << "[1";
  try {
    read_json(folder / "a.json");
    FAIL();
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), StartsWith("'" + (folder / "a.json").string() + "':1:3: "));
  }
}

TEST(LinesOfKeys, FollowTheTextThroughMarksCommentsAndEscapes) {
  const std::string text =
      "\xEF\xBB\xBF// first\n{\"a\": {\"b\": \"}\\\"\",\n \"c\": [1,\n {\"d\": 2}]}, /*\n\n*/ "
      "\"\\u0061\": 3}";
  std::vector<std::string> found;
  for (const KeyLine& key : lines_of_keys(text)) {
    found.push_back(key.path + ":" + std::to_string(key.line));
  }
  EXPECT_EQ(found, (std::vector<std::string>{"a:2", "a.b:2", "a.c:3", "a.c.0:3", "a.c.1:4",
                                             "a.c.1.d:4", "a:6"}));
}

}  // namespace
}  // namespace icl
