// SPDX-License-Identifier: Apache-2.0
//
// BPE over characters with bytes to fall back on, as LLaMA-2 has it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "icl/base/error.h"
#include "icl/tokenizer/tokenizer.h"
#include "tests/support/temp_folder.h"
#include "tests/tokenizer/small_tokenizers.h"

namespace icl {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::TempFolder;

std::unique_ptr<Tokenizer> load(const json& file) {
  const TempFolder folder;
  return load_tokenizer(testing::write_tokenizer(folder.path(), file));
}

// 259 ▁, a 260, b 261, c 262, . 263, é 264, ▁a 265, bc 266, ▁abc 267, ▁▁ 268, .▁ 269
json small() {
  return testing::llama2_tokenizer({"▁", "a", "b", "c", ".", "é"},
                                   {{"▁", "a"}, {"b", "c"}, {"▁a", "bc"}, {"▁", "▁"}, {".", "▁"}});
}

int64_t byte_token(int byte) {
  return byte + 3;
}

TEST(CharacterBpe, SpacesAreMarksAndOneComesFirst) {
  const auto tokenizer = load(small());
  EXPECT_THAT(tokenizer->encode("abc"), ElementsAre(267));
  EXPECT_THAT(tokenizer->encode("abc abc"), ElementsAre(267, 267));
  EXPECT_THAT(tokenizer->encode(" a"), ElementsAre(259, 265));
  EXPECT_THAT(tokenizer->encode("a  b"), ElementsAre(265, 268, 261));
  EXPECT_THAT(tokenizer->encode(""), IsEmpty());
}

TEST(CharacterBpe, SpecialTokensFrameTheTextOnRequest) {
  const auto tokenizer = load(small());
  EXPECT_THAT(tokenizer->encode("a", true), ElementsAre(1, 265));
  EXPECT_THAT(tokenizer->encode("", true), ElementsAre(1));
  EXPECT_THAT(tokenizer->encode("<s>a</s>"), ElementsAre(1, 265, 2));
  EXPECT_THAT(tokenizer->encode("<s>a</s>", true), ElementsAre(1, 1, 265, 2));
}

TEST(CharacterBpe, UnknownCharactersBecomeTheirBytes) {
  const auto tokenizer = load(small());
  EXPECT_THAT(tokenizer->encode("é\u20AC"),
              ElementsAre(259, 264, byte_token(0xE2), byte_token(0x82), byte_token(0xAC)));
  EXPECT_THAT(tokenizer->encode("\n"), ElementsAre(259, byte_token('\n')));
}

TEST(CharacterBpe, DecodingUndoesItAndStripsTheFirstSpace) {
  const auto tokenizer = load(small());
  for (const std::string text :
       {"abc abc", " a", "a  b", "é\u20AC\U0001F468\u200D", "\x01\t", "."}) {
    EXPECT_EQ(tokenizer->decode(tokenizer->encode(text, true)), text);
  }
  EXPECT_EQ(tokenizer->decode(std::vector<int64_t>{1, 265, 2}), "a");
  // A frame of <s> is text of its own: the space after it stays.
  EXPECT_EQ(tokenizer->decode(std::vector<int64_t>{1, 265, 2}, true), "<s> a</s>");
  EXPECT_EQ(tokenizer->decode(std::vector<int64_t>{}), "");
}

TEST(CharacterBpe, BytesThatAreNoTextAreMarkedOneByOne) {
  const auto tokenizer = load(small());
  const std::vector<int64_t> cut = {byte_token(0xE2), byte_token(0x82), 260};
  EXPECT_EQ(tokenizer->decode(cut), "\uFFFD\uFFFDa");
  const std::vector<int64_t> whole = {byte_token(0xE2), byte_token(0x82), byte_token(0xAC)};
  EXPECT_EQ(tokenizer->decode(whole), "\u20AC");
}

TEST(CharacterBpe, UnknownTokensWithoutBytes) {
  json file = small();
  file["model"]["byte_fallback"] = false;
  EXPECT_THAT(load(file)->encode("xya"), ElementsAre(259, 0, 260));
  file["model"]["fuse_unk"] = false;
  EXPECT_THAT(load(file)->encode("xya"), ElementsAre(259, 0, 0, 260));
  file["model"]["unk_token"] = nullptr;
  EXPECT_THAT(load(file)->encode("xya"), ElementsAre(265));
}

// Text is cut before "▁" to look words up; that must not show. ".▁" goes across a cut, and a cut
// after an unknown character would part a fused one.
TEST(CharacterBpe, TokensMayReachAcrossASpace) {
  json file = small();
  EXPECT_THAT(load(file)->encode("a. b"), ElementsAre(265, 269, 261));
  EXPECT_THAT(load(file)->encode("b. a"), ElementsAre(259, 261, 263, 265));
  file["model"]["byte_fallback"] = false;
  file["model"]["vocab"].erase("▁");
  file["model"]["merges"] = json::array({"b c"});
  EXPECT_THAT(load(file)->encode("x y"), ElementsAre(0));
}

json metaspace(const char* scheme, bool split) {
  json file = small();
  const json how = {
      {"type", "Metaspace"}, {"replacement", "▁"}, {"prepend_scheme", scheme}, {"split", split}};
  file["normalizer"] = nullptr;
  file["pre_tokenizer"] = how;
  return file;
}

TEST(CharacterBpe, MetaspacePutsASpaceAsItsSchemeSays) {
  EXPECT_THAT(load(metaspace("always", true))->encode("a<s>a"), ElementsAre(265, 1, 265));
  EXPECT_THAT(load(metaspace("first", true))->encode("a<s>a"), ElementsAre(265, 1, 260));
  EXPECT_THAT(load(metaspace("first", true))->encode("<s>a"), ElementsAre(1, 260));
  EXPECT_THAT(load(metaspace("never", true))->encode("a<s>a"), ElementsAre(260, 1, 260));
  EXPECT_THAT(load(metaspace("always", true))->encode(" a"), ElementsAre(265));
}

TEST(CharacterBpe, MetaspaceMaySplitWords) {
  EXPECT_THAT(load(metaspace("always", true))->encode("a.  b"),
              ElementsAre(265, 263, 259, 259, 261));
  EXPECT_THAT(load(metaspace("always", false))->encode("a.  b"), ElementsAre(265, 263, 268, 261));
}

TEST(CharacterBpe, OlderMetaspaceSaysAddPrefixSpace) {
  json file = metaspace("always", true);
  file["pre_tokenizer"].erase("prepend_scheme");
  EXPECT_THAT(load(file)->encode("a"), ElementsAre(265));
  file["pre_tokenizer"]["add_prefix_space"] = false;
  EXPECT_THAT(load(file)->encode("a"), ElementsAre(260));
}

TEST(CharacterBpe, MetaspaceDecodesWithoutTheFirstMarks) {
  json file = metaspace("always", true);
  file["decoder"] = file["pre_tokenizer"];
  const std::vector<int64_t> ids = {265, 266, 268, 260};
  EXPECT_EQ(load(file)->decode(ids), "abc  a");
  file["decoder"]["prepend_scheme"] = "never";
  EXPECT_EQ(load(file)->decode(ids), " abc  a");
}

TEST(CharacterBpe, WithoutADecoderTokensAreSpacedOut) {
  json file = small();
  file["decoder"] = nullptr;
  EXPECT_EQ(load(file)->decode(std::vector<int64_t>{260, 266}), "a bc");
}

json normalizer(const char* type) {
  return {{"type", type}};
}

TEST(CharacterBpe, NormalizersChangeTextBeforeItIsSplit) {
  json file = small();
  file["model"]["merges"] = json::array();
  const auto text_under = [&](const json& how, const std::string& text) {
    file["normalizer"] = how;
    file["decoder"] = {{"type", "Sequence"},
                       {"decoders", {{{"type", "ByteFallback"}}, {{"type", "Fuse"}}}}};
    const auto tokenizer = load(file);
    return tokenizer->decode(tokenizer->encode(text));
  };
  EXPECT_EQ(text_under(normalizer("NFC"), "e\u0301\uFB01"), "\u00E9\uFB01");
  EXPECT_EQ(text_under(normalizer("NFD"), "\u00E9\uAC01"), "e\u0301\u1100\u1161\u11A8");
  EXPECT_EQ(text_under(normalizer("NFKC"), "\uFB01\u2167\u00E9"), "fiVIII\u00E9");
  EXPECT_EQ(text_under(normalizer("NFKD"), "\u00BD\u00E9"), "1\u20442e\u0301");
  EXPECT_EQ(text_under(normalizer("NFC"), "\U00011935\U00011930"), "\U00011935\U00011930");
  EXPECT_EQ(text_under(normalizer("Lowercase"), "AB\u00C9\u0130\u03A3"), "ab\u00E9i\u0307\u03C3");
  EXPECT_EQ(text_under(normalizer("StripAccents"), "e\u0301\u00E9"), "e\u00E9");
  EXPECT_EQ(
      text_under({{"type", "Strip"}, {"strip_left", true}, {"strip_right", false}}, " \u3000a "),
      "a ");
  EXPECT_EQ(text_under({{"type", "Replace"}, {"pattern", {{"Regex", "[ab]+"}}}, {"content", "-"}},
                       "abcab"),
            "-c-");
  EXPECT_EQ(
      text_under({{"type", "Replace"}, {"pattern", {{"String", ""}}}, {"content", "-"}}, "ab"),
      "-a-b-");
  EXPECT_EQ(text_under(normalizer("Lowercase"), "\u1C89\uA7DC\U00010D50"),
            "\u1C8A\u019B\U00010D70");
  EXPECT_EQ(text_under({{"type", "Prepend"}, {"prepend", "x"}}, "y"), "xy");
}

json pieces(const json& pre_tokenizer) {
  json file = testing::byte_level_tokenizer();
  const json level = {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"use_regex", false}};
  file["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", {pre_tokenizer, level}}};
  return file;
}

// Each word gets a space in front where it has none, so the spaces show where words begin.
std::string split_text(const json& pre_tokenizer, const std::string& text) {
  const auto tokenizer = load(pieces(pre_tokenizer));
  return tokenizer->decode(tokenizer->encode(text));
}

json split(const char* behavior, bool invert = false) {
  return {{"type", "Split"},
          {"pattern", {{"String", "-"}}},
          {"behavior", behavior},
          {"invert", invert}};
}

TEST(PreTokenizer, SplitsByItsBehavior) {
  EXPECT_EQ(split_text(split("Removed"), "a-b--c"), " a b c");
  EXPECT_EQ(split_text(split("Isolated"), "a-b--c"), " a - b - - c");
  EXPECT_EQ(split_text(split("MergedWithPrevious"), "a-b--c"), " a- b- - c");
  EXPECT_EQ(split_text(split("MergedWithNext"), "a-b--c"), " a -b - -c");
  EXPECT_EQ(split_text(split("Contiguous"), "a-b--c"), " a - b -- c");
  EXPECT_EQ(split_text(split("Removed", true), "a-b--c"), " - - -");
}

// "\\p{N}{0,3}" matches nothing before "a" and before "b", and cuts there.
TEST(PreTokenizer, AMatchOfNothingIsAMatch) {
  const auto text = [](const char* behavior) {
    return split_text(
        {{"type", "Split"}, {"pattern", {{"Regex", "\\p{N}{0,3}"}}}, {"behavior", behavior}},
        "1234567ab");
  };
  EXPECT_EQ(text("Isolated"), " 123 456 7 a b");
  EXPECT_EQ(text("Removed"), " a b");
  EXPECT_EQ(text("MergedWithPrevious"), " 123 456 7 a b");
  EXPECT_EQ(text("MergedWithNext"), " 123 456 7a b");
  EXPECT_EQ(text("Contiguous"), " 1234567 a b");
}

TEST(PreTokenizer, SplitsByKindsOfCharacters) {
  EXPECT_EQ(split_text({{"type", "Digits"}, {"individual_digits", true}}, "ab12\u00B2"),
            " ab 1 2 \u00B2");
  EXPECT_EQ(split_text({{"type", "Digits"}, {"individual_digits", false}}, "ab12c"), " ab 12 c");
  EXPECT_EQ(split_text({{"type", "Whitespace"}}, "a_b!? c\u3000d"), " a_b !? c d");
  EXPECT_EQ(split_text({{"type", "WhitespaceSplit"}}, "a!\t\tb"), " a! b");
  EXPECT_EQ(split_text({{"type", "Punctuation"}}, "a!?b$\u00BF"), " a ! ? b $ \u00BF");
  EXPECT_EQ(split_text({{"type", "Punctuation"}, {"behavior", "Contiguous"}}, "a!?b"), " a !? b");
}

}  // namespace
}  // namespace icl
