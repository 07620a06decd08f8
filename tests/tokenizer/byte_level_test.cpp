// SPDX-License-Identifier: Apache-2.0
//
// Byte-level BPE from tokenizer.json. A byte's id is its value, so most ids can be read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>

#include "icl/base/error.h"
#include "icl/tokenizer/tokenizer.h"
#include "tests/support/temp_folder.h"
#include "tests/tokenizer/small_tokenizers.h"

namespace icl {
namespace {

using nlohmann::json;
using testing::byte_level_tokenizer;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::TempFolder;

std::unique_ptr<Tokenizer> load(const json& file) {
  const TempFolder folder;
  return load_tokenizer(testing::write_tokenizer(folder.path(), file));
}

std::vector<int64_t> bytes_of(const std::string& text) {
  std::vector<int64_t> ids;
  for (const char byte : text) ids.push_back(static_cast<unsigned char>(byte));
  return ids;
}

const testing::Merges kMerges = {{"h", "e"}, {"l", "l"}, {"he", "ll"}, {"hell", "o"},
                                 {"Ġ", "w"}, {"Ġ", "Ġ"}, {"o", "r"},   {"or", "l"}};
// he 256, ll 257, hell 258, hello 259, Ġw 260, ĠĠ 261, or 262, orl 263, <|endoftext|> 264

TEST(ByteLevel, MergesByRankAndThenFromTheLeft) {
  const auto tokenizer = load(byte_level_tokenizer(kMerges));
  EXPECT_THAT(tokenizer->encode("hello world"), ElementsAre(259, 260, 263, 'd'));
  EXPECT_THAT(tokenizer->encode("lllll"), ElementsAre(257, 257, 'l'));
  EXPECT_THAT(tokenizer->encode("hellhe"), ElementsAre(258, 256));
  EXPECT_THAT(tokenizer->encode(""), IsEmpty());
  EXPECT_EQ(tokenizer->vocab_size(), 265);
}

TEST(ByteLevel, MergesMayBePairs) {
  const auto tokenizer = load(byte_level_tokenizer(kMerges, /*as_pairs=*/true));
  EXPECT_THAT(tokenizer->encode("hello world"), ElementsAre(259, 260, 263, 'd'));
}

TEST(ByteLevel, MergesStayWithinWords) {
  const auto tokenizer =
      load(byte_level_tokenizer({{"s", "Ġ"}, {"'", "s"}, {"Ġ", "Ġ"}, {"3", "a"}}));
  EXPECT_THAT(tokenizer->encode("is it"), ElementsAre('i', 's', ' ', 'i', 't'));
  EXPECT_THAT(tokenizer->encode("it's"), ElementsAre('i', 't', 257));
  EXPECT_THAT(tokenizer->encode("IT'S"), ElementsAre('I', 'T', '\'', 'S'));
  EXPECT_THAT(tokenizer->encode("3a"), ElementsAre('3', 'a'));
}

TEST(ByteLevel, ARunOfSpacesLeavesItsLastToTheWord) {
  const auto tokenizer = load(byte_level_tokenizer(kMerges));
  EXPECT_THAT(tokenizer->encode("a   w"), ElementsAre('a', 261, 260));
  EXPECT_THAT(tokenizer->encode("a   "), ElementsAre('a', 261, ' '));
  EXPECT_THAT(tokenizer->encode("  \nw"), ElementsAre(261, '\n', 'w'));
  EXPECT_THAT(tokenizer->encode("w w\tw"), ElementsAre('w', 260, '\t', 'w'));
}

TEST(ByteLevel, EveryTextComesBack) {
  const auto tokenizer = load(byte_level_tokenizer(kMerges));
  std::string controls;
  for (char byte = 0; byte < 0x20; ++byte) controls += byte;
  const std::vector<std::string> texts = {
      controls + "\x7F",
      "caf\u00E9 cafe\u0301 \u0301 \u0E33",          // composed, decomposed, a lone mark
      "\U0001F468\u200D\U0001F469\u200D\U0001F467",  // a family, joined
      "\U0001F3F3\uFE0F\u200D\U0001F308 1\uFE0F\u20E3",
      "\u00A0\u2003\u3000\u180E\u200B\uFEFF\u0085\u2028",
      std::string(1000, ' ') + "x",
      "\u4E2D\u6587 \u0639\u0631\u0628\u064A \U00010348\U0010FFFD",
      "<|endoftext|>"};
  for (const std::string& text : texts) {
    EXPECT_EQ(tokenizer->decode(tokenizer->encode(text), /*special=*/true), text);
  }
  EXPECT_EQ(tokenizer->encode(controls), bytes_of(controls));
}

TEST(ByteLevel, BytesThatAreNotUtf8BecomeReplacementCharacters) {
  const auto tokenizer = load(byte_level_tokenizer());
  const auto decoded = [&](const std::string& bytes) { return tokenizer->decode(bytes_of(bytes)); };
  const std::string mark = "\uFFFD";
  EXPECT_EQ(decoded("a\xFF"
                    "b"),
            "a" + mark + "b");
  EXPECT_EQ(decoded("\xE2\x82"), mark);  // cut short: one maximal subpart
  EXPECT_EQ(decoded("\xE2\x82\xE2\x82\xAC"), mark + "\u20AC");
  EXPECT_EQ(decoded("\xF0\x9F\x92"), mark);
  EXPECT_EQ(decoded("\xED\xA0\x80"), mark + mark + mark);             // a surrogate
  EXPECT_EQ(decoded("\xC0\xAF"), mark + mark);                        // overlong
  EXPECT_EQ(decoded("\xF4\x90\x80\x80"), mark + mark + mark + mark);  // beyond U+10FFFF
  EXPECT_EQ(decoded("\x80\xBF"), mark + mark);
  // And in text to encode.
  EXPECT_EQ(tokenizer->encode("\xE2\x82z"), bytes_of(mark + "z"));
}

TEST(ByteLevel, DecodingJoinsBytesBeforeItReadsThem) {
  const auto tokenizer = load(byte_level_tokenizer({{"â", "Ĥ"}}));
  EXPECT_THAT(tokenizer->encode("\u20AC"), ElementsAre(256, 0xAC));
  EXPECT_EQ(tokenizer->decode(std::vector<int64_t>{256, 0xAC}), "\u20AC");
  EXPECT_EQ(tokenizer->decode(std::vector<int64_t>{256}), "\uFFFD");
}

TEST(ByteLevel, SpecialTokensAreFoundInTextAndLeftOutOfIt) {
  const auto tokenizer = load(byte_level_tokenizer(kMerges));
  const std::vector<int64_t> ids = {259, 264, 264, 'w'};
  EXPECT_EQ(tokenizer->encode("hello<|endoftext|><|endoftext|>w"), ids);
  EXPECT_EQ(tokenizer->decode(ids), "hellow");
  EXPECT_EQ(tokenizer->decode(ids, true), "hello<|endoftext|><|endoftext|>w");
  EXPECT_EQ(tokenizer->encode("<|endoftext"), bytes_of("<|endoftext"));
  EXPECT_EQ(tokenizer->id_of("<|endoftext|>"), 264);
  EXPECT_EQ(tokenizer->id_of("Ġw"), 260);
  EXPECT_EQ(tokenizer->id_of(" w"), std::nullopt);
}

TEST(ByteLevel, IdsWithoutATokenAreRefused) {
  const auto tokenizer = load(byte_level_tokenizer());
  for (const int64_t id : {int64_t{-1}, int64_t{257}, INT64_MAX}) {
    EXPECT_THAT(testing::message_of([&] { tokenizer->decode(std::vector<int64_t>{id}); }),
                ::testing::HasSubstr("no token has the id " + std::to_string(id)));
  }
}

// GPT-NeoX: runs of spaces as tokens that are found in normalized text.
TEST(ByteLevel, NormalizedTokensOfSpacesComeBeforeTheMerges) {
  json file = byte_level_tokenizer(kMerges);
  file["normalizer"] = {{"type", "NFC"}};
  file["added_tokens"].push_back(testing::added_token(265, "   ", false, true));
  file["added_tokens"].push_back(testing::added_token(266, "  ", false, true));
  const auto tokenizer = load(file);
  EXPECT_THAT(tokenizer->encode("a  w"), ElementsAre('a', 266, 'w'));
  EXPECT_THAT(tokenizer->encode("a   w"), ElementsAre('a', 265, 'w'));
  EXPECT_THAT(tokenizer->encode("     "), ElementsAre(265, 266));
  EXPECT_THAT(tokenizer->encode("e\u0301"), ElementsAre(0xC3, 0xA9));
  EXPECT_THAT(tokenizer->encode("\u0301"), ElementsAre(0xCC, 0x81));
  EXPECT_EQ(tokenizer->decode(std::vector<int64_t>{'a', 266, 'w', 265}), "a  w   ");
}

TEST(ByteLevel, AddedTokensTakeSpaceAlongAndRespectWords) {
  json file = byte_level_tokenizer();
  const auto add = [&](int id, const std::string& content, const char* flag) {
    json token = testing::added_token(id, content, false);
    token[flag] = true;
    file["added_tokens"].push_back(token);
  };
  add(257, "<l>", "lstrip");
  add(258, "<r>", "rstrip");
  add(259, "cat", "single_word");
  add(260, "<l><l>", "lstrip");
  const auto tokenizer = load(file);
  EXPECT_THAT(tokenizer->encode("a \t<l> b"), ElementsAre('a', 257, ' ', 'b'));
  EXPECT_THAT(tokenizer->encode("a <r> \u3000 b"), ElementsAre('a', ' ', 258, 'b'));
  EXPECT_THAT(tokenizer->encode("cat cats"), ElementsAre(259, ' ', 'c', 'a', 't', 's'));
  EXPECT_THAT(tokenizer->encode("(cat)"), ElementsAre('(', 259, ')'));
  EXPECT_THAT(tokenizer->encode("\u00E9cat"), ElementsAre(0xC3, 0xA9, 'c', 'a', 't'));
  EXPECT_THAT(tokenizer->encode(" <l><l><l>"), ElementsAre(260, 257));
}

TEST(ByteLevel, APrefixSpaceIsAddedWhereThereIsNone) {
  json file = byte_level_tokenizer(kMerges);
  file["pre_tokenizer"]["add_prefix_space"] = true;
  const auto tokenizer = load(file);
  EXPECT_THAT(tokenizer->encode("w w"), ElementsAre(260, 260));
  EXPECT_THAT(tokenizer->encode(" w"), ElementsAre(260));
  EXPECT_THAT(tokenizer->encode("\nw"), ElementsAre(' ', '\n', 'w'));
}

// Falcon: pre-tokenizers that come after ByteLevel see the alphabet of bytes.
TEST(ByteLevel, OtherPreTokenizersMayComeAfterIt) {
  json file = byte_level_tokenizer(
      {{"Ġ", "a"}, {"1", "2"}, {"12", "3"}, {"3", "4"}, {"Ġ", "1"}, {"Â", "²"}, {"a", "Â"}});
  file["pre_tokenizer"] = {
      {"type", "Sequence"},
      {"pretokenizers",
       {{{"type", "Punctuation"}, {"behavior", "Contiguous"}},
        {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}},
        {{"type", "Digits"}, {"individual_digits", false}},
        {{"type", "Split"},
         {"pattern", {{"Regex", "[0-9][0-9][0-9]"}}},
         {"behavior", "Isolated"}}}}};
  const auto tokenizer = load(file);
  EXPECT_THAT(tokenizer->encode(" a12345"), ElementsAre(256, 258, '4', '5'));
  EXPECT_THAT(tokenizer->encode(" a 123456"), ElementsAre(256, ' ', 258, '4', '5', '6'));
  // The second byte of U+00B2 is written as "²", which is a digit.
  EXPECT_THAT(tokenizer->encode("a\u00B2b"), ElementsAre('a', 0xC2, 0xB2, 'b'));
  EXPECT_THAT(tokenizer->encode("\u00E9!! 7"), ElementsAre(0xC3, 0xA9, '!', '!', ' ', '7'));
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("\u00E9!! 7")), "\u00E9!! 7");
}

// LLaMA-3: its own split, and words that the vocabulary has are taken whole.
TEST(ByteLevel, WordsOfTheVocabularyMayPassTheMergesBy) {
  json file = byte_level_tokenizer({{"a", "b"}});
  file["pre_tokenizer"]["use_regex"] = false;
  file["pre_tokenizer"] = {
      {"type", "Sequence"},
      {"pretokenizers",
       {{{"type", "Split"}, {"pattern", {{"String", " "}}}, {"behavior", "MergedWithNext"}},
        file["pre_tokenizer"]}}};
  file["model"]["vocab"]["Ġabc"] = 258;
  EXPECT_THAT(load(file)->encode(" abc ab"), ElementsAre(' ', 256, 'c', ' ', 256));
  file["model"]["ignore_merges"] = true;
  EXPECT_THAT(load(file)->encode(" abc ab"), ElementsAre(258, ' ', 256));
}

TEST(ByteLevel, BytesWithoutATokenAreLeftOutOrUnknown) {
  json file = byte_level_tokenizer();
  file["model"]["vocab"].erase("z");
  EXPECT_THAT(load(file)->encode("azb"), ElementsAre('a', 'b'));
  file["model"]["unk_token"] = "?";
  EXPECT_THAT(load(file)->encode("zazz"), ElementsAre('?', 'a', '?', '?'));
  file["model"]["fuse_unk"] = true;
  EXPECT_THAT(load(file)->encode("zazz"), ElementsAre('?', 'a', '?'));
  file["model"]["unk_token"] = "<none>";
  EXPECT_THAT(testing::message_of([&] { load(file)->encode("z"); }),
              ::testing::HasSubstr("model.unk_token '<none>' is not in the vocabulary"));
}

// A heap and a scan for the lowest rank must agree; words of both lengths, few letters.
TEST(ByteLevel, LongWordsMergeAsShortOnesDo) {
  const testing::Merges merges = {{"a", "b"},  {"b", "a"},   {"ab", "ab"}, {"a", "a"},
                                  {"aa", "b"}, {"aab", "a"}, {"b", "b"},   {"ba", "ba"}};
  const auto tokenizer = load(byte_level_tokenizer(merges));
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    std::string text;
    for (int i = 0; i < 130; ++i) text += random() % 2 == 0 ? 'a' : 'b';
    // By the definition: the lowest rank anywhere, then the leftmost.
    std::vector<std::string> symbols;
    for (const char letter : text) symbols.emplace_back(1, letter);
    for (bool merged = true; merged;) {
      merged = false;
      for (const auto& [left, right] : merges) {
        for (size_t i = 0; i + 1 < symbols.size() && !merged; ++i) {
          if (symbols[i] != left || symbols[i + 1] != right) continue;
          symbols[i] += right;
          symbols.erase(symbols.begin() + static_cast<int64_t>(i) + 1);
          merged = true;
        }
        if (merged) break;
      }
    }
    std::vector<int64_t> expected;
    for (const std::string& symbol : symbols) expected.push_back(*tokenizer->id_of(symbol));
    EXPECT_EQ(tokenizer->encode(text), expected) << text;
    const std::string part = text.substr(0, 40);
    EXPECT_EQ(tokenizer->decode(tokenizer->encode(part)), part);
  }
}

TEST(ByteLevel, AMegabyteOfOneLetterIsNoTrouble) {
  testing::Merges merges;
  for (std::string run = "a"; run.size() < 1024; run += run) merges.emplace_back(run, run);
  const auto tokenizer = load(byte_level_tokenizer(merges));
  const std::vector<int64_t> ids = tokenizer->encode(std::string(1 << 20, 'a'));
  EXPECT_EQ(ids, std::vector<int64_t>(1024, *tokenizer->id_of(std::string(1024, 'a'))));
}

TEST(ByteLevel, ThreadsMayShareOne) {
  const auto tokenizer = load(byte_level_tokenizer(kMerges));
  const std::vector<int64_t> expected = tokenizer->encode("hello world");
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) wrong += tokenizer->encode("hello world") != expected;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace icl
