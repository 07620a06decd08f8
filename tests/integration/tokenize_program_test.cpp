// SPDX-License-Identifier: Apache-2.0
//
// icl-nlp tokenize from stdin to stdout. The programs lie in ICL_BIN_DIR.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

#include "tests/support/program.h"
#include "tests/tokenizer/small_tokenizers.h"

namespace icl {
namespace {

using ::testing::HasSubstr;
using testing::ProgramResult;
using testing::TempFolder;

// Runs icl-nlp tokenize with `input` on stdin.
class TokenizeProgram : public ::testing::Test {
 protected:
  void SetUp() override {
    testing::write_tokenizer(folder_.path(),
                             testing::byte_level_tokenizer({{"h", "i"}, {"Ġ", "hi"}}));
    std::ofstream(folder_ / "world.txt") << testing::world_vocabulary({"hi"});
  }

  ProgramResult run(const std::string& input, std::vector<std::string> flags = {},
                    const std::string& tokenizer = "") {
    std::ofstream(folder_ / "in", std::ios::binary) << input;
    std::vector<std::string> arguments = {"tokenize", "--tokenizer",
                                          tokenizer.empty() ? folder_.path().string() : tokenizer};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    if (std::freopen((folder_ / "in").c_str(), "r", stdin) == nullptr) return {};
    return testing::run_program("icl-nlp", arguments);
  }

  TempFolder folder_;
};

TEST_F(TokenizeProgram, AnswersEachLine) {
  const ProgramResult result = run("\"hi hi\"\n\n  \"\"\r\n\"\\u0000\\n\\ud83d\\ude00\"");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "[256,257]\n[]\n[0,10,240,159,152,128]\n");
  EXPECT_EQ(result.err, "");
}

TEST_F(TokenizeProgram, DecodesIds) {
  const ProgramResult result = run("[256,257]\n[]\n[104, 34, 10, 255, 258]\n", {"--decode"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "\"hi hi\"\n\"\"\n\"h\\\"\\n\uFFFD\"\n");
  EXPECT_EQ(run("[258]", {"--decode", "--special"}).out, "\"<|endoftext|>\"\n");
}

TEST_F(TokenizeProgram, ReadsAWorldVocabulary) {
  EXPECT_EQ(run("\"hia\"\n", {}, (folder_ / "world.txt").string()).out, "[257,98]\n");
}

TEST_F(TokenizeProgram, ALineLongerThanTheBufferIsOneLine) {
  const std::string text(300'000, '.');
  const ProgramResult result = run("\"" + text + "\"\n\"hi\"\n");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  std::string expected = "[";
  for (size_t i = 0; i < text.size(); ++i) expected += i == 0 ? "46" : ",46";
  EXPECT_TRUE(result.out == expected + "]\n[256]\n");
}

TEST_F(TokenizeProgram, NamesTheLineThatIsWrong) {
  const auto complaint = [&](const std::string& input, std::vector<std::string> flags) {
    const ProgramResult result = run(input, std::move(flags));
    EXPECT_EQ(result.exit_code, 3);
    return result.err;
  };
  EXPECT_THAT(complaint("\"hi\"\n\n[1]\n", {}),
              HasSubstr("stdin: line 3: is of JSON type array; expected one string"));
  EXPECT_THAT(complaint("hi\n", {}),
              HasSubstr("line 1: is not JSON in UTF-8; expected one string"));
  EXPECT_THAT(complaint("\"\\ud800\"\n", {}), HasSubstr("line 1: is not JSON"));
  EXPECT_THAT(complaint("\"\xFF\"\n", {}), HasSubstr("line 1: is not JSON"));
  EXPECT_THAT(complaint("[1.5]\n", {"--decode"}), HasSubstr("expected one list of token ids"));
  EXPECT_THAT(complaint("[1]\n[999]\n", {"--decode"}),
              HasSubstr("stdin: line 2: '" + (folder_ / "tokenizer.json").string() +
                        "': no token has the id 999; ids are 0 .. 258"));
  EXPECT_EQ(run("\"hi\"\n1\n").out, "[256]\n");  // what came before is answered
}

TEST_F(TokenizeProgram, NamesAMissingTokenizer) {
  const ProgramResult missing = run("", {}, (folder_ / "none.json").string());
  EXPECT_EQ(missing.exit_code, 3);
  EXPECT_THAT(missing.err, HasSubstr("none.json': cannot read"));
  EXPECT_EQ(testing::run_program("icl-nlp", {"tokenize"}).exit_code, 2);
}

}  // namespace
}  // namespace icl
