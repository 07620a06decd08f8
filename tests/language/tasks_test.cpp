// SPDX-License-Identifier: Apache-2.0
#include "icl/language/tasks.h"

#include <gmock/gmock.h>

#include <fstream>
#include <map>
#include <set>

#include "icl/base/error.h"
#include "src/language/word_lists.h"
#include "tests/language/list_tokenizer.h"
#include "tests/support/temp_folder.h"

namespace icl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::ListTokenizer;
using testing::message_of;
using testing::TempFolder;
using ::testing::UnorderedElementsAre;

LanguageTask task_of(const std::string& name) {
  return load_language_task(language_task_info(name), ListTokenizer());
}

std::map<std::string, std::string> drawn(const std::string& name, int64_t count) {
  std::map<std::string, std::string> map;
  for (const WordPair& pair : task_of(name).draw(RandomStream(1, "test"), count)) {
    map[pair.input] = pair.output;
  }
  return map;
}

TEST(LanguageTasks, AreThe27RegisteredOnesOfWhichThePaperHas18) {
  EXPECT_EQ(expand_language_tasks({"all"}).size(), 27u);
  std::map<std::string, int> of_category;
  for (const auto& task : expand_language_tasks({"paper"})) ++of_category[task.category];
  EXPECT_EQ(of_category,
            (std::map<std::string, int>{
                {"algorithmic", 6}, {"knowledge", 4}, {"linguistic", 4}, {"translation", 4}}));
}

TEST(LanguageTasks, AreNamedInEitherFormAndOnce) {
  EXPECT_STREQ(language_task_info("knowledge_country_capital").name, "country_capital");
  const auto tasks = expand_language_tasks({"to_upper", "knowledge", "algorithmic_to_upper"});
  EXPECT_EQ(tasks.size(), 5u);
  EXPECT_THAT(message_of([] { expand_language_tasks({"next_leter"}); }),
              HasSubstr("did you mean 'next_letter'?"));
}

TEST(LanguageTasks, GenerateLetters) {
  EXPECT_EQ(task_of("next_letter").n_items(), 25);
  const auto next = drawn("next_letter", 25);
  EXPECT_EQ(next.at("a"), "b");
  EXPECT_EQ(next.at("y"), "z");
  EXPECT_EQ(next.count("z"), 0u);
  const auto previous = drawn("prev_letter", 25);
  EXPECT_EQ(previous.at("b"), "a");
  EXPECT_EQ(previous.count("a"), 0u);
  EXPECT_EQ(drawn("to_upper", 26).at("q"), "Q");
  EXPECT_EQ(drawn("to_lower", 26).at("Q"), "q");
  EXPECT_EQ(drawn("char_to_int", 9).at("c"), "3");
  EXPECT_EQ(drawn("int_to_char", 9).at("9"), "i");
}

TEST(LanguageTasks, GenerateLists) {
  EXPECT_EQ(task_of("list_first").n_items(), 26 * 26 + 26 * 26 * 26 + 26 * 26 * 26 * 26);
  EXPECT_EQ(task_of("list_min").n_items(), 100 + 1000 + 10000);
  EXPECT_EQ(task_of("list_length").n_items(), 26 + 26 * 26 + 26 * 26 * 26);
  const std::map<std::string, std::function<std::string(const std::string&)>> rules = {
      {"list_first", [](const std::string& list) { return list.substr(0, 1); }},
      {"list_last", [](const std::string& list) { return list.substr(list.size() - 1); }},
      {"list_min",
       [](const std::string& list) {
         char least = '9';
         for (const char c : list) least = c == ',' ? least : std::min(least, c);
         return std::string(1, least);
       }},
      {"list_max",
       [](const std::string& list) {
         char most = '0';
         for (const char c : list) most = c == ',' ? most : std::max(most, c);
         return std::string(1, most);
       }},
      {"list_length", [](const std::string& list) { return std::to_string(list.size() / 2 + 1); }}};
  for (const auto& [name, rule] : rules) {
    std::set<size_t> lengths;
    for (const auto& [input, output] : drawn(name, 60)) {
      lengths.insert(input.size());
      EXPECT_EQ(output, rule(input)) << name << " " << input;
    }
    const std::set<size_t> expected =
        name == "list_length" ? std::set<size_t>{1, 3, 5} : std::set<size_t>{3, 5, 7};
    EXPECT_EQ(lengths, expected) << name;
  }
}

TEST(LanguageTasks, DrawDistinctItemsAndALongerDrawBeginsWithTheShorter) {
  for (const char* name : {"next_letter", "list_min", "country_capital"}) {
    const LanguageTask task = task_of(name);
    const RandomStream stream = RandomStream(5, "prompts").at_step(3);
    const auto many = task.draw(stream, 24);
    std::set<std::string> inputs;
    for (const WordPair& pair : many) inputs.insert(pair.input);
    EXPECT_EQ(inputs.size(), 24u) << name;
    const auto few = task.draw(stream, 6);
    EXPECT_TRUE(std::equal(few.begin(), few.end(), many.begin())) << name;
    EXPECT_NE(task.draw(stream.at_step(4), 6), few) << name;
  }
  EXPECT_EQ(task_of("next_letter").draw(RandomStream(1, "x"), 0).size(), 0u);
}

TEST(LanguageTasks, EveryMappingTaskHasAListOfDistinctInputs) {
  for (const auto& info : all_language_tasks()) {
    if (info.generated()) continue;
    const auto pairs = built_in_pairs(info.name);
    EXPECT_GE(pairs.size(), 40u) << info.name;
    std::set<std::string> inputs;
    for (const WordPair& pair : pairs) {
      inputs.insert(pair.input);
      EXPECT_FALSE(pair.output.empty()) << info.name << ": " << pair.input;
    }
    EXPECT_EQ(inputs.size(), pairs.size()) << info.name;
  }
  EXPECT_EQ(built_in_pairs("en_fr").front(), (WordPair{"house", "maison"}));
  EXPECT_EQ(built_in_pairs("plural_singular").front(), (WordPair{"children", "child"}));
  EXPECT_EQ(built_in_pairs("country_capital").front(), (WordPair{"France", "Paris"}));
}

TEST(SingleTokenFilter, KeepsOutputsOfOneTokenBehindAnExclamationMark) {
  // "!dog" has two tokens; "!!" + "cat" would be one token more.
  const ListTokenizer tokenizer({"dog", "cat", "!ox"});
  const std::vector<WordPair> pairs = {
      {"a", "dog"}, {"b", "cat"}, {"c", "bird"}, {"d", "ox"}, {"e", "x"}};
  const FilteredPairs kept = single_token_pairs(pairs, tokenizer);
  EXPECT_FALSE(kept.leading_space);
  EXPECT_EQ(kept.kept_bare, 3);
  EXPECT_EQ(kept.kept_with_space, 0);
  EXPECT_THAT(kept.pairs,
              ElementsAre(WordPair{"a", "dog"}, WordPair{"b", "cat"}, WordPair{"e", "x"}));
}

TEST(SingleTokenFilter, PrefersALeadingSpaceFromSevenTenthsOn) {
  std::vector<WordPair> pairs;
  std::vector<std::string> words, spaced;
  for (char c = 'a'; c < 'a' + 10; ++c) {
    const std::string word = std::string("w") + c;
    pairs.push_back({std::string(1, c), word});
    words.push_back(word);
    spaced.push_back(" " + word);
  }
  const auto filter = [&](int n_spaced) {
    std::vector<std::string> tokens = words;
    tokens.insert(tokens.end(), spaced.begin(), spaced.begin() + n_spaced);
    return single_token_pairs(pairs, ListTokenizer(tokens));
  };
  EXPECT_FALSE(filter(6).leading_space);
  EXPECT_EQ(filter(6).pairs.size(), 10u);
  const FilteredPairs kept = filter(7);
  EXPECT_TRUE(kept.leading_space);
  EXPECT_EQ(kept.pairs.size(), 7u);
  EXPECT_EQ(kept.pairs.front(), (WordPair{" a", " wa"}));
}

TEST(LanguageTaskFiles, AreReadInBothLayoutsAndKnowledgeIsNotFiltered) {
  const TempFolder folder;
  std::filesystem::create_directories(folder / "knowledge");
  std::ofstream(folder / "knowledge/country_capital.json")
      << R"({"Ruritania": "Strelsau", "Freedonia": "Glorania"})";
  std::ofstream(folder / "antonyms.json") << R"({"left": "right", "up": "d"})";
  const ListTokenizer tokenizer;
  const LanguageTask capitals =
      load_language_task(language_task_info("country_capital"), tokenizer, folder.path());
  EXPECT_THAT(capitals.pairs(),
              ElementsAre(WordPair{"Ruritania", "Strelsau"}, WordPair{"Freedonia", "Glorania"}));
  EXPECT_THAT(capitals.source(), HasSubstr("knowledge/country_capital.json"));
  const LanguageTask antonyms =
      load_language_task(language_task_info("antonyms"), tokenizer, folder.path());
  EXPECT_THAT(antonyms.pairs(), ElementsAre(WordPair{"up", "d"}));
  const LanguageTask french =
      load_language_task(language_task_info("en_fr"), tokenizer, folder.path());
  EXPECT_EQ(french.source(), "built-in word list");
}

TEST(LanguageTaskFiles, SayWhatIsWrong) {
  const TempFolder folder;
  const auto load = [&](const std::string& text) {
    std::ofstream(folder / "antonyms.json") << text;
    return message_of([&] {
      load_language_task(language_task_info("antonyms"), ListTokenizer(), folder.path());
    });
  };
  EXPECT_THAT(load("[1]"),
              HasSubstr("antonyms.json': is of JSON type array, expected an object of inputs"));
  EXPECT_THAT(load("{\"a\": \"\xff\"}"), HasSubstr("antonyms.json':1:"));
  EXPECT_THAT(load("{"), HasSubstr("antonyms.json':1:"));
  EXPECT_THAT(load(R"({"up": ["down"]})"), HasSubstr("the output of \"up\" is array"));
  EXPECT_THAT(message_of([&] {
                load_language_task(language_task_info("antonyms"), ListTokenizer(),
                                   folder / "nowhere");
              }),
              HasSubstr("there is no such folder"));
}

}  // namespace
}  // namespace icl
