// SPDX-License-Identifier: Apache-2.0
#include "icl/language/scoring.h"

#include <gmock/gmock.h>

#include <fstream>

#include "icl/language/prompts.h"
#include "tests/language/list_tokenizer.h"
#include "tests/support/temp_folder.h"

namespace icl {
namespace {

using ::testing::HasSubstr;
using testing::ListTokenizer;
using testing::message_of;
using testing::TempFolder;

TEST(Prompts, AreWrittenAsPublished) {
  const std::vector<WordPair> demos = {{"a", "b"}, {" hot", " cold"}};
  EXPECT_EQ(prompt_text(demos, "c"), "example:a->b\nexample: hot-> cold\nexample:c->");
  EXPECT_EQ(prompt_text({}, "c"), "example:c->");
  EXPECT_EQ(demonstrations_text(demos) + "example:c->", prompt_text(demos, "c"));
}

TEST(Prompts, NeverShowTheQueryAndNestOverShots) {
  const LanguageTask task = load_language_task(language_task_info("next_letter"), ListTokenizer());
  const auto many = draw_prompts(task, {.shots = {0, 5, 24, 25}, .n_prompts = 50, .seed = 3});
  const auto few = draw_prompts(task, {.shots = {5}, .n_prompts = 20, .seed = 3});
  ASSERT_EQ(many.size(), 50u);
  std::set<std::string> queries;
  for (size_t i = 0; i < many.size(); ++i) {
    ASSERT_EQ(many[i].demos.size(), 24u);  // 25 shots would take 26 letters
    std::set<std::string> inputs = {many[i].query.input};
    for (const WordPair& demo : many[i].demos) inputs.insert(demo.input);
    EXPECT_EQ(inputs.size(), 25u);
    queries.insert(many[i].query.input);
    if (i >= few.size()) continue;
    EXPECT_EQ(few[i].query, many[i].query);
    EXPECT_TRUE(std::ranges::equal(few[i].demos, many[i].shown(5)));
  }
  EXPECT_GT(queries.size(), 10u);
  EXPECT_NE(draw_prompts(task, {.shots = {5}, .n_prompts = 1, .seed = 4})[0].demos, few[0].demos);
  EXPECT_TRUE(draw_prompts(task, {.shots = {25}}).empty());
}

TEST(Prompts, OfASharedContextHaveTheSameDemonstrations) {
  const LanguageTask task = load_language_task(language_task_info("next_letter"), ListTokenizer());
  const auto prompts =
      draw_prompts(task, {.shots = {2, 20}, .n_prompts = 12, .queries_per_context = 8});
  ASSERT_EQ(prompts.size(), 12u);
  // 25 letters leave five queries beside 20 demonstrations.
  for (size_t i = 0; i < prompts.size(); ++i) {
    EXPECT_EQ(prompts[i].context, static_cast<int64_t>(i) / 5);
    EXPECT_EQ(prompts[i].demos, prompts[i - i % 5].demos);
    for (const WordPair& demo : prompts[i].demos) EXPECT_NE(demo.input, prompts[i].query.input);
    if (i % 5 == 0) continue;
    EXPECT_NE(prompts[i].query, prompts[i - 1].query);
  }
  EXPECT_NE(prompts[0].demos, prompts[5].demos);
}

TEST(Answers, EndAtTheNewlineAndLoseWhiteSpace) {
  EXPECT_EQ(answer_in(" Paris\nexample"), "Paris");
  EXPECT_EQ(answer_in("\n x"), "");
  EXPECT_EQ(answer_in("\t x y \u00a0"), "x y");
  EXPECT_EQ(answer_in(""), "");
}

// As Python's str.strip() takes them; U+200B and U+FEFF are no white space there.
TEST(Answers, LoseWhiteSpaceOfAllOfUnicode) {
  for (const char* space :
       {"\x1c", "\x1f", "\u0085", "\u1680", "\u2000", "\u200a", "\u2028", "\u202f", "\u205f"}) {
    EXPECT_EQ(answer_in(std::string(space) + " cold" + space), "cold");
  }
  EXPECT_EQ(answer_in("\u200bcold\ufeff"), "\u200bcold\ufeff");
}

TEST(Comparisons, ExactOnesStripAndKeepCase) {
  EXPECT_TRUE(is_right(Comparison::kExact, " cold ", "cold"));
  EXPECT_FALSE(is_right(Comparison::kExact, "Cold", "cold"));
  EXPECT_FALSE(is_right(Comparison::kExact, "", "cold"));
}

TEST(Comparisons, PrefixesCountEitherWayButNotEmptyOnes) {
  EXPECT_TRUE(is_right(Comparison::kPrefix, " P", "Paris"));
  EXPECT_TRUE(is_right(Comparison::kPrefix, "Parisian", "Paris"));
  EXPECT_FALSE(is_right(Comparison::kPrefix, "", "Paris"));
  EXPECT_FALSE(is_right(Comparison::kPrefix, "Paris", " "));
  EXPECT_FALSE(is_right(Comparison::kPrefix, "Lyon", "Paris"));
}

TEST(Comparisons, SynonymSetsMustMeetInTheOutputsLanguage) {
  const TempFolder folder;
  std::ofstream(folder / "synonyms.json")
      << R"({"en": {"car": ["auto"], "automobile": ["auto"]}, "es": {"coche": ["auto"]},
             "kid": ["child"]})";
  const Synonyms synonyms = Synonyms::load(folder / "synonyms.json");
  const auto right = [&](const char* prediction, const char* answer, const char* language) {
    return is_right(Comparison::kSynonyms, prediction, answer, synonyms, language);
  };
  EXPECT_TRUE(right("car", " car", "en"));
  EXPECT_TRUE(right("automobile", "car", "en"));
  EXPECT_TRUE(right("auto", "car", "en"));
  EXPECT_FALSE(right("coche", "car", "en"));
  EXPECT_TRUE(right("child", "kid", "fr"));
  EXPECT_FALSE(right("", "car", "en"));
  EXPECT_TRUE(is_right(Comparison::kSynonyms, "car", "car"));
  EXPECT_FALSE(is_right(Comparison::kSynonyms, "auto", "car"));
  EXPECT_EQ(output_language(language_task_info("en_es")), "es");
  EXPECT_EQ(output_language(language_task_info("antonyms")), "");
}

TEST(Comparisons, AFileOfAnotherFormIsRefusedByItsKey) {
  const TempFolder folder;
  std::ofstream(folder / "synonyms.json") << R"({"en": {"car": "auto"}})";
  EXPECT_THAT(message_of([&] { Synonyms::load(folder / "synonyms.json"); }),
              HasSubstr("\"en\".\"car\": expected a list of words"));
  std::ofstream(folder / "synonyms.json") << "[]";
  EXPECT_THAT(message_of([&] { Synonyms::load(folder / "synonyms.json"); }),
              HasSubstr("expected a JSON object"));
}

}  // namespace
}  // namespace icl
