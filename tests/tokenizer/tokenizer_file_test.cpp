// SPDX-License-Identifier: Apache-2.0
//
// What cannot be read, or is not supported, is named with its place.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "icl/base/error.h"
#include "icl/tokenizer/tokenizer.h"
#include "tests/support/temp_folder.h"
#include "tests/tokenizer/small_tokenizers.h"

namespace icl {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::TempFolder;

// The complaint about a file that `change` has touched.
template <class Change>
std::string complaint(const Change& change) {
  json file = testing::byte_level_tokenizer({{"a", "b"}});
  change(file);
  const TempFolder folder;
  const auto path = testing::write_tokenizer(folder.path(), file);
  try {
    load_tokenizer(path);
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("'" + path.string() + "': "));
    return error.what();
  }
  return "";
}

TEST(TokenizerFile, IsFoundInAFolder) {
  const TempFolder folder;
  EXPECT_THAT(testing::message_of([&] { load_tokenizer(folder.path()); }),
              HasSubstr("the folder holds no tokenizer: neither tokenizer.json, nor"));
  testing::write_tokenizer(folder.path(), testing::byte_level_tokenizer());
  EXPECT_EQ(load_tokenizer(folder.path())->vocab_size(), 257);
  EXPECT_THAT(testing::message_of([&] { load_tokenizer(folder / "none.json"); }),
              HasSubstr("none.json': cannot read"));
}

TEST(TokenizerFile, MustBeJson) {
  const TempFolder folder;
  for (const char* text : {"", "{", "[1,2", "{\"a\": \"\xFF\"}"}) {
    std::ofstream(folder / "t.json") << text;
    EXPECT_THAT(testing::message_of([&] { load_tokenizer(folder / "t.json"); }),
                HasSubstr("is not JSON"));
  }
  std::ofstream(folder / "t.json") << "[]";
  EXPECT_THAT(testing::message_of([&] { load_tokenizer(folder / "t.json"); }),
              HasSubstr("expected an object"));
}

TEST(TokenizerFile, UnsupportedPartsAreNamed) {
  const auto with = [](const char* key, const json& value) {
    return complaint([&](json& file) { file[json::json_pointer(key)] = value; });
  };
  EXPECT_THAT(with("/model/type", "Unigram"), HasSubstr("model: model 'Unigram' is not supported"));
  EXPECT_THAT(with("/normalizer", {{"type", "Precompiled"}}),
              HasSubstr("normalizer: normalizer 'Precompiled' is not supported; supported: "));
  EXPECT_THAT(with("/normalizer",
                   {{"type", "Sequence"}, {"normalizers", {{{"type", "NFC"}}, {{"type", "Nmt"}}}}}),
              HasSubstr("normalizer.normalizers[1]: normalizer 'Nmt'"));
  EXPECT_THAT(with("/pre_tokenizer", {{"type", "UnicodeScripts"}}),
              HasSubstr("pre_tokenizer: pre-tokenizer 'UnicodeScripts'"));
  EXPECT_THAT(with("/post_processor", {{"type", "New"}}), HasSubstr("post-processor 'New'"));
  EXPECT_THAT(with("/decoder", {{"type", "WordPiece"}}), HasSubstr("decoder 'WordPiece'"));
  EXPECT_THAT(with("/model/dropout", 0.1), HasSubstr("model.dropout"));
  EXPECT_THAT(with("/model/end_of_word_suffix", "</w>"), HasSubstr("model.end_of_word_suffix"));
  EXPECT_THAT(with("/pre_tokenizer",
                   {{"type", "Split"}, {"pattern", {{"Regex", "(x"}}}, {"behavior", "Isolated"}}),
              HasSubstr("pre_tokenizer.pattern.Regex: "));
  EXPECT_THAT(with("/pre_tokenizer",
                   {{"type", "Split"}, {"pattern", {{"String", "x"}}}, {"behavior", "Alone"}}),
              HasSubstr("pre_tokenizer.behavior: 'Alone' is no behavior; expected one of Removed"));
}

TEST(TokenizerFile, DamageIsNamed) {
  const auto with = [](const char* key, const json& value) {
    return complaint([&](json& file) { file[json::json_pointer(key)] = value; });
  };
  EXPECT_THAT(with("/model/merges", {"a b", "a  b"}), HasSubstr("model.merges[1]: expected two"));
  EXPECT_THAT(with("/model/merges", {"a b", "b c"}),
              HasSubstr("model.merges[1]: token 'bc' is not in the vocabulary"));
  EXPECT_THAT(with("/model/merges", json::array({{"a", "b", "c"}})), HasSubstr("model.merges[0]"));
  EXPECT_THAT(with("/model/merges", 1), HasSubstr("model.merges: expected a list"));
  EXPECT_THAT(with("/model/vocab", json::array()), HasSubstr("model.vocab: expected an object"));
  EXPECT_THAT(with("/model/vocab/a", -1), HasSubstr("model.vocab.a: expected an integer 0 .. "));
  EXPECT_THAT(with("/model/vocab/a", "1"), HasSubstr("model.vocab.a"));
  EXPECT_THAT(with("/model/vocab/a", 1e30), HasSubstr("model.vocab.a"));
  EXPECT_THAT(with("/model/byte_fallback", 1), HasSubstr("model.byte_fallback: expected true"));
  EXPECT_THAT(with("/normalizer", {{"kind", "NFC"}}), HasSubstr("normalizer: 'type' is missing"));
  EXPECT_THAT(with("/normalizer", {{"type", "Prepend"}}), HasSubstr("'prepend' is missing"));
  EXPECT_THAT(complaint([](json& file) { file.erase("model"); }), HasSubstr("'model' is missing"));
  EXPECT_THAT(with("/added_tokens/0/id", -5), HasSubstr("added_tokens[0].id"));
  EXPECT_THAT(with("/post_processor", {{"type", "TemplateProcessing"},
                                       {"single", {{{"SpecialToken", {{"id", "<s>"}}}}}},
                                       {"special_tokens", json::object()}}),
              HasSubstr("post_processor.special_tokens: '<s>' is missing"));
}

TEST(TokenizerFile, NestingIsBounded) {
  const TempFolder folder;
  const std::string deep = "{\"normalizer\": " + std::string(20000, '[');
  std::ofstream(folder / "t.json") << deep << std::string(20000, ']') << "}";
  EXPECT_THAT(testing::message_of([&] { load_tokenizer(folder / "t.json"); }),
              HasSubstr("t.json': is nested deeper than 100 levels"));
  json part = {{"type", "NFC"}};
  for (int level = 0; level < 60; ++level) {
    part = {{"type", "Sequence"}, {"normalizers", json::array({part})}};
  }
  EXPECT_THAT(complaint([&](json& file) { file["normalizer"] = part; }),
              HasSubstr("is nested deeper than 100 levels"));
}

// One number in a file asks for no memory.
TEST(TokenizerFile, IdsMayLieFarApart) {
  json file = testing::byte_level_tokenizer();
  file["model"]["vocab"]["far"] = 16777215;
  const TempFolder folder;
  const auto tokenizer = load_tokenizer(testing::write_tokenizer(folder.path(), file));
  EXPECT_EQ(tokenizer->vocab_size(), 16777216);
  EXPECT_EQ(tokenizer->decode(std::vector<int64_t>{16777215}), "far");
}

TEST(TokenizerFile, ReplacementsCannotFillTheMemory) {
  json doubling = {{"type", "Replace"}, {"pattern", {{"String", "a"}}}, {"content", "aaaaaaaa"}};
  json file = testing::byte_level_tokenizer();
  file["normalizer"] = {{"type", "Sequence"}, {"normalizers", json(40, doubling)}};
  const TempFolder folder;
  const auto tokenizer = load_tokenizer(testing::write_tokenizer(folder.path(), file));
  EXPECT_EQ(tokenizer->encode("b").size(), 1);
  EXPECT_THAT(testing::message_of([&] { tokenizer->encode("a"); }),
              HasSubstr("replacements make a text longer than"));
}

TEST(TokenizerFile, PostProcessorsFrameATextWithTokens) {
  json file = testing::byte_level_tokenizer();
  const auto encoded = [&] {
    const TempFolder folder;
    return load_tokenizer(testing::write_tokenizer(folder.path(), file))->encode("x", true);
  };
  file["post_processor"] = {{"type", "RobertaProcessing"},
                            {"sep", json::array({"</s>", 2})},
                            {"cls", json::array({"<s>", 1})}};
  EXPECT_THAT(encoded(), ::testing::ElementsAre(1, 'x', 2));
  const json frame = {{"type", "TemplateProcessing"},
                      {"single",
                       {{{"SpecialToken", {{"id", "<b>"}}}},
                        {{"Sequence", {{"id", "A"}}}},
                        {{"SpecialToken", {{"id", "<e>"}}}}}},
                      {"special_tokens", {{"<b>", {{"ids", {7, 8}}}}, {"<e>", {{"ids", {9}}}}}}};
  file["post_processor"] = {{"type", "Sequence"}, {"processors", {{{"type", "ByteLevel"}}, frame}}};
  EXPECT_THAT(encoded(), ::testing::ElementsAre(7, 8, 'x', 9));
}

}  // namespace
}  // namespace icl
