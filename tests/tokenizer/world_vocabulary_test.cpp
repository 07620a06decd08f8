// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "icl/tokenizer/tokenizer.h"
#include "tests/support/temp_folder.h"
#include "tests/tokenizer/small_tokenizers.h"

namespace icl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TempFolder;

std::unique_ptr<Tokenizer> load(const std::string& text) {
  const TempFolder folder;
  std::ofstream(folder / "vocab.txt", std::ios::binary) << text;
  return load_tokenizer(folder / "vocab.txt");
}

int64_t byte_token(int byte) {
  return byte + 1;
}

TEST(WorldVocabulary, TakesTheLongestTokenFirst) {
  const auto tokenizer = load(testing::world_vocabulary({"ab", "abcd", "bcde", " a"}));
  EXPECT_THAT(tokenizer->encode("abcde"), ElementsAre(258, byte_token('e')));
  EXPECT_THAT(tokenizer->encode("abcx"), ElementsAre(257, byte_token('c'), byte_token('x')));
  EXPECT_THAT(tokenizer->encode(" ab"), ElementsAre(260, byte_token('b')));
  EXPECT_THAT(tokenizer->encode("é"), ElementsAre(byte_token(0xC3), byte_token(0xA9)));
  EXPECT_EQ(tokenizer->vocab_size(), 261);
  EXPECT_EQ(tokenizer->id_of("abcd"), 258);
  EXPECT_EQ(tokenizer->id_of("abc"), std::nullopt);
}

TEST(WorldVocabulary, DecodesBytesAndEndOfText) {
  const auto tokenizer = load(testing::world_vocabulary({"ab"}));
  const std::vector<int64_t> ids = {257, byte_token(0xC3), byte_token(0xA9), 0, byte_token(0xC3)};
  EXPECT_EQ(tokenizer->decode(ids), "ab\u00E9\uFFFD");
  EXPECT_EQ(tokenizer->decode(ids, true), "ab\u00E9<|endoftext|>\uFFFD");
  EXPECT_EQ(tokenizer->id_of("<|endoftext|>"), 0);
  EXPECT_THAT(testing::message_of([&] { tokenizer->decode(std::vector<int64_t>{258}); }),
              HasSubstr("no token has the id 258; ids are 0 .. 257"));
}

TEST(WorldVocabulary, ReadsPythonLiterals) {
  const auto tokenizer = load(
      "1 'a' 1\n2 \"it's\" 4\n3 '\\t\\n' 2\n4 b'\\xe4\\xb8' 2\n5 '中' 3\n6 '\\u4e2d!' 4\r\n"
      "7 '\\U0001f600' 4\n8 '\\'' 1\n9 '\\\\' 1\n10 'x y' 3\n11 '\\xe9' 2\n12 b'\\'\"' 2\n"
      "13 '\\0' 1\n14 ' ' 1\n");
  const auto bytes = [&](int64_t id) { return tokenizer->decode(std::vector<int64_t>{id}); };
  EXPECT_EQ(bytes(2), "it's");
  EXPECT_EQ(bytes(3), "\t\n");
  EXPECT_EQ(bytes(4), "\uFFFD");
  EXPECT_EQ(bytes(5), "中");
  EXPECT_EQ(bytes(6), "中!");
  EXPECT_EQ(bytes(7), "\U0001F600");
  EXPECT_EQ(bytes(8), "'");
  EXPECT_EQ(bytes(9), "\\");
  EXPECT_EQ(bytes(10), "x y");
  EXPECT_EQ(bytes(11), "\u00E9");
  EXPECT_EQ(bytes(12), "'\"");
  EXPECT_EQ(bytes(13), std::string(1, '\0'));
  EXPECT_EQ(bytes(14), " ");
  EXPECT_THAT(tokenizer->encode("it's中!"), ElementsAre(2, 6));
  EXPECT_THAT(testing::message_of([&] { tokenizer->encode("ab"); }),
              HasSubstr("no token begins with byte 98"));
}

TEST(WorldVocabulary, NamesTheLineThatIsWrong) {
  const auto message = [](const std::string& line) {
    return testing::message_of([&] { load("1 'a' 1\n" + line + "\n"); });
  };
  EXPECT_THAT(message("2 'ab' 3"), HasSubstr("line 2: the literal has 2 bytes, the line says 3"));
  EXPECT_THAT(message("x 'a' 1"), HasSubstr("line 2: is no line of a world vocabulary"));
  EXPECT_THAT(message("2 'a'"), HasSubstr("line 2"));
  EXPECT_THAT(message("2 'a 1"), HasSubstr("is no Python literal"));
  EXPECT_THAT(message("2 'a'b' 3"), HasSubstr("ends before its last quote"));
  EXPECT_THAT(message("2 '\\q' 1"), HasSubstr("escape"));
  EXPECT_THAT(message("2 '\\xg0' 1"), HasSubstr("escape"));
  EXPECT_THAT(message("1 'b' 1"), HasSubstr("a second token of the id 1"));
  EXPECT_THAT(message("99999999999 'b' 1"), HasSubstr("line 2"));
  EXPECT_THAT(testing::message_of([] { load(""); }), HasSubstr("is empty"));
}

}  // namespace
}  // namespace icl
