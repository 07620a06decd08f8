// SPDX-License-Identifier: Apache-2.0
//
// Split patterns: the hand-written scanners and Oniguruma against literal cases, which come from
// the tokenizers library, and against each other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "icl/base/error.h"
#include "src/tokenizer/pattern.h"
#include "src/tokenizer/unicode.h"
#include "tests/support/temp_folder.h"

namespace icl::tokenizer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kGpt2 =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr const char* kLlama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

const nlohmann::json kNothing;
const JsonPlace kPlace(kNothing, "tokenizer.json", "pre_tokenizer.pattern.Regex");

std::vector<std::string> words(const Pattern& pattern, const std::string& text) {
  std::vector<std::string> result;
  pattern.scan(text, [&](size_t begin, size_t end, bool) {
    if (end > begin) result.push_back(text.substr(begin, end - begin));
  });
  return result;
}

std::vector<std::string> words(const char* regex, const std::string& text) {
  return words(*known_pattern(regex), text);
}

TEST(SplitPattern, Gpt2) {
  EXPECT_THAT(words(kGpt2, "I'm Tom's, they'll  go!?"),
              ElementsAre("I", "'m", " Tom", "'s", ",", " they", "'ll", " ", " go", "!?"));
  EXPECT_THAT(words(kGpt2, "x1 23\u00B2 4\u0661 \u2167"),
              ElementsAre("x", "1", " 23\u00B2", " 4\u0661", " \u2167"));
  EXPECT_THAT(words(kGpt2, "a\t b\n\n c  "), ElementsAre("a", "\t", " b", "\n\n", " c", "  "));
  EXPECT_THAT(words(kGpt2, "'S 'sx '"), ElementsAre("'", "S", " '", "sx", " '"));
  EXPECT_THAT(words(kGpt2, "e\u0301a"), ElementsAre("e", "\u0301", "a"));
  EXPECT_THAT(words(kGpt2, "\u3000\u00A0x"), ElementsAre("\u3000", "\u00A0", "x"));
}

TEST(SplitPattern, Llama3AndQwen2) {
  EXPECT_THAT(words(kLlama3, "I'M (tom) 1234567 x\ty"),
              ElementsAre("I", "'M", " (", "tom", ")", " ", "123", "456", "7", " x", "\ty"));
  EXPECT_THAT(words(kLlama3, "a \n\n  b !?\n\nc"),
              ElementsAre("a", " \n\n", " ", " b", " !?\n\n", "c"));
  EXPECT_THAT(words(kLlama3, "it\u0027\u017F 'llama \r\n"),
              ElementsAre("it", "'\u017F", " '", "llama", " \r\n"));
  EXPECT_THAT(words(kLlama3, "\"a\" -  b"), ElementsAre("\"a", "\"", " -", " ", " b"));
  EXPECT_THAT(words(kQwen2, "12a"), ElementsAre("1", "2", "a"));
}

std::string random_text(std::mt19937& random) {
  static const std::vector<std::string> parts = {
      "a",      "Zo",     "'s",     "'LL",    "'re",    "'",          " ",      "  ",
      "\n",     "\r\n",   "\t",     "7",      "42",     "\u00B2",     "\u2167", "!",
      "?;",     "\u0301", "\u00E9", "\u4E2D", "\u00A0", "\U0001F468", "\u200D", "\u3000",
      "\u180E", "\u0085", "_",      "\u0E33", "\x01",   "\u017F",     "\u01C5", "\uFEFF"};
  std::string text;
  for (size_t i = random() % 12; i > 0; --i) {
    if (random() % 4 != 0) {
      text += parts[random() % parts.size()];
    } else {
      const char32_t value = random() % 2 == 0 ? random() % 0xD800 : 0x10000 + random() % 0x20000;
      append_utf8(text, value);
    }
  }
  return text;
}

TEST(SplitPattern, TheScannersDoWhatTheRegularExpressionsSay) {
  std::mt19937 random(11);
  for (const char* regex : {kGpt2, kLlama3, kQwen2}) {
    const auto known = known_pattern(regex);
    const auto general = regex_pattern(regex, kPlace);
    for (int round = 0; round < 4000; ++round) {
      const std::string text = random_text(random);
      ASSERT_EQ(words(*known, text), words(*general, text)) << regex << "\n" << text;
    }
  }
}

TEST(SplitPattern, OtherRegularExpressionsMeanWhatOnigurumaMeans) {
  const auto split = [](const char* regex, const std::string& text) {
    return words(*regex_pattern(regex, kPlace), text);
  };
  EXPECT_THAT(split(R"(\s)",
                    "a\u0085b\x1C"
                    "c"),
              ElementsAre("a", "\u0085",
                          "b\x1C"
                          "c"));
  EXPECT_THAT(split(R"([^\s])", "a b"), ElementsAre("a", " ", "b"));
  EXPECT_THAT(split(R"(\w+)", "\u00B2_\u0301-x"), ElementsAre("\u00B2_\u0301", "-", "x"));
  EXPECT_THAT(split("^b.", "a\nb\rc"), ElementsAre("a\n", "b\r", "c"));
  EXPECT_THAT(split("[]a]+", "x]a"), ElementsAre("x", "]a"));
  EXPECT_THAT(split("\U0001F600", "a\U0001F600\U0001F600"),
              ElementsAre("a", "\U0001F600", "\U0001F600"));
  EXPECT_THAT(split("x*", "axxb"), ElementsAre("a", "xx", "b"));
  EXPECT_THAT(split(R"(\bfoo)", "xfoo foo"), ElementsAre("xfoo ", "foo"));
  EXPECT_THAT(split(R"((a)\1)", "aab"), ElementsAre("aa", "b"));
  EXPECT_THAT(split(R"(\h+)", "xAFg"), ElementsAre("x", "AF", "g"));
  EXPECT_THAT(split("(?m:a.)", "a\nb"), ElementsAre("a\n", "b"));
  EXPECT_THAT(split("[[:punct:]]+", "a+!b"), ElementsAre("a", "+!", "b"));
  EXPECT_THAT(split("[[:^punct:]]+", "a+!b"), ElementsAre("a", "+!", "b"));
  EXPECT_THAT(split(R"(a\Kb)", "ab"), ElementsAre("a", "b"));
}

TEST(SplitPattern, AMatchOfNothingCutsToo) {
  const auto split = [](const char* regex, const std::string& text) {
    return words(*regex_pattern(regex, kPlace), text);
  };
  EXPECT_THAT(split(R"((?=(\d{3})+(?!\d)))", "1234567"), ElementsAre("1", "234", "567"));
  EXPECT_THAT(split(R"(\p{N}{0,3})", "1234567ab"), ElementsAre("123", "456", "7", "a", "b"));
  EXPECT_THAT(split(R"(\b)", "ab cd"), ElementsAre("ab", " ", "cd"));
  EXPECT_THAT(split("", "h\u00E9y"), ElementsAre("h", "\u00E9", "y"));
}

// A possessive x?+ is (?:x?)+ in Oniguruma, and {1,3}+ a repeat of a repeat.
TEST(SplitPattern, ARepeatMayBeRepeated) {
  const auto split = [](const char* regex, const std::string& text) {
    return words(*regex_pattern(regex, kPlace), text);
  };
  EXPECT_THAT(split("x?+", "axxb"), ElementsAre("a", "x", "x", "b"));
  EXPECT_THAT(split(R"(\p{N}{1,3}+)", "1234567"), ElementsAre("1234567"));
}

TEST(SplitPattern, WhatOnigurumaRefusesIsNamed) {
  const auto message = [](const char* regex) {
    return icl::testing::message_of([&] { regex_pattern(regex, kPlace); });
  };
  for (const char* regex : {"(a", R"(\p{Foo})", "a{100001}", "(?P<n>a)", "(?<!(a))b"}) {
    EXPECT_THAT(message(regex), HasSubstr(std::string("'tokenizer.json': pre_tokenizer.pattern."
                                                      "Regex: the regular expression '") +
                                          regex + "' is not supported: "));
  }
  EXPECT_EQ(message(R"(\p{L}+|\d|[\p{Lu}]?|\x{41}+)"), "");
}

TEST(SplitPattern, AMatchThatWouldTakeForeverIsGivenUp) {
  const auto pattern = regex_pattern("(a+)+b", kPlace);
  EXPECT_THAT(icl::testing::message_of([&] { words(*pattern, std::string(40, 'a')); }),
              HasSubstr("cannot match this text"));
}

// Every character: what the scanners take for a letter, a number or white space, patterns do too.
TEST(SplitPattern, ScannersAndPatternsAgreeOnEveryCharacter) {
  std::string text;
  for (char32_t value = 0; value < 0x110000; ++value) {
    if (value < 0xD800 || value > 0xDFFF) append_utf8(text, value);
  }
  for (const auto& [regex, wanted] : {std::pair{R"(\p{L})", CharClass::kLetter},
                                      {R"(\p{N})", CharClass::kNumber},
                                      {R"(\s)", CharClass::kSpace}}) {
    int wrong = 0;
    regex_pattern(regex, kPlace)->scan(text, [&](size_t begin, size_t end, bool matched) {
      for (size_t at = begin; at < end;) {
        const CodePoint point = decode_at(text, at);
        wrong += (class_of(point.value) == wanted) != matched;
        at += point.length;
      }
    });
    EXPECT_EQ(wrong, 0) << regex;
  }
}

TEST(SplitPattern, LettersAreThoseOfUnicode16) {
  EXPECT_EQ(class_of(0x1C89), CharClass::kLetter);
  EXPECT_EQ(class_of(0x2EBF0), CharClass::kLetter);
  EXPECT_EQ(class_of(0x16D70), CharClass::kNumber);
  EXPECT_EQ(class_of(0x2FE0), CharClass::kOther);  // not assigned
  const auto split = [](const char* regex, const std::string& text) {
    return words(*regex_pattern(regex, kPlace), text);
  };
  EXPECT_THAT(split(R"(\p{L}+)", "a\u1C89\U00010D50b1"), ElementsAre("a\u1C89\U00010D50b", "1"));
  EXPECT_THAT(split(R"(\p{N}+)", "\U0001E4F1x"), ElementsAre("\U0001E4F1", "x"));
  EXPECT_THAT(split(R"(\p{Lu})", "\u1C89\u1C8A"), ElementsAre("\u1C89", "\u1C8A"));
  for (const char32_t space : {0x09, 0x0D, 0x20, 0x85, 0xA0, 0x1680, 0x2028, 0x202F, 0x3000}) {
    EXPECT_TRUE(is_space(space)) << static_cast<uint32_t>(space);
  }
  for (const char32_t other : {0x08, 0x0E, 0x1C, 0x1F, 0x180E, 0x200B, 0xFEFF}) {
    EXPECT_FALSE(is_space(other)) << static_cast<uint32_t>(other);
  }
}

}  // namespace
}  // namespace icl::tokenizer
