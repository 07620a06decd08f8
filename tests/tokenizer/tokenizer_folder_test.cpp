// SPDX-License-Identifier: Apache-2.0
//
// A model's folder: which of its files say what. The values are those of transformers 5
// (AutoTokenizer). A byte's id is its value.
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
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TempFolder;

using Files = std::map<std::string, json>;

std::unique_ptr<Tokenizer> load(const Files& files) {
  const TempFolder folder;
  for (const auto& [name, content] : files) {
    std::ofstream out(folder / name, std::ios::binary);
    if (content.is_string()) {
      out << content.get<std::string>();
    } else {
      out << content;
    }
  }
  return load_tokenizer(folder.path());
}

// Bytes, and the special token <a> as 256.
json tokenizer_json() {
  json file = testing::byte_level_tokenizer();
  file["model"]["vocab"].erase("<|endoftext|>");
  file["added_tokens"] = {testing::added_token(256, "<a>", true)};
  return file;
}

json flags(const std::string& content, bool special, bool lstrip) {
  return {{"content", content}, {"lstrip", lstrip},       {"rstrip", false},
          {"special", special}, {"normalized", !special}, {"single_word", false}};
}

const std::string kText = "b<a>b <b><x>\n<c> b";

TEST(TokenizerFolder, TokensMayStandInTheConfigAlone) {
  const json decoder = {{"256", flags("<a>", true, false)},
                        {"258", flags("<b>", false, true)},
                        {"257", flags("<x>", false, false)}};
  const auto tokenizer = load({{"tokenizer.json", tokenizer_json()},
                               {"tokenizer_config.json", {{"added_tokens_decoder", decoder}}}});
  const std::vector<int64_t> ids = {98, 256, 98, 258, 257, 10, 60, 99, 62, 32, 98};
  EXPECT_EQ(tokenizer->encode(kText), ids);
  EXPECT_EQ(tokenizer->decode(ids), "bb<b><x>\n<c> b");
  EXPECT_EQ(tokenizer->vocab_size(), 259);
  EXPECT_EQ(tokenizer->base_vocab_size(), 256);
}

TEST(TokenizerFolder, TokensMayStandInTheOlderFiles) {
  const json added = {{"<c>", 258}, {"<b>", 257}};
  const std::vector<int64_t> ids = {98, 256, 98, 32, 257, 60, 120, 62, 10, 258, 32, 98};
  const auto plain = load({{"tokenizer.json", tokenizer_json()}, {"added_tokens.json", added}});
  EXPECT_EQ(plain->encode(kText), ids);
  EXPECT_EQ(plain->decode(ids), "bb <b><x>\n<c> b");
  const auto named = load({{"tokenizer.json", tokenizer_json()},
                           {"added_tokens.json", added},
                           {"tokenizer_config.json", {{"eos_token", "<b>"}}}});
  EXPECT_EQ(named->encode(kText), ids);
  EXPECT_EQ(named->decode(ids), "bb <x>\n<c> b");
}

TEST(TokenizerFolder, NamedTokensAreSpecial) {
  const json c = {{"content", "<c>"},
                  {"lstrip", true},
                  {"rstrip", false},
                  {"normalized", true},
                  {"single_word", false}};
  const std::vector<int64_t> ids = {98, 256, 98, 32, 259, 257, 258, 32, 98};
  const auto from_map =
      load({{"tokenizer.json", tokenizer_json()},
            {"special_tokens_map.json",
             {{"bos_token", "<x>"}, {"pad_token", c}, {"additional_special_tokens", {"<b>"}}}}});
  EXPECT_EQ(from_map->encode(kText), ids);
  EXPECT_EQ(from_map->decode(ids), "bb  b");
  EXPECT_EQ(from_map->decode(ids, true), "b<a>b <b><x><c> b");
  const auto from_config = load({{"tokenizer.json", tokenizer_json()},
                                 {"tokenizer_config.json",
                                  {{"bos_token", "<x>"},
                                   {"eos_token", c},
                                   {"additional_special_tokens", {"<b>"}},
                                   {"foo_token", "b"}}}});
  EXPECT_EQ(from_config->encode(kText), ids);
  EXPECT_EQ(from_config->decode(ids), "  ");  // foo_token makes "b" special
}

TEST(TokenizerFolder, TheConfigMaySayThatASpaceComesFirst) {
  const auto ids = [](const json& config) {
    return load({{"tokenizer.json", tokenizer_json()}, {"tokenizer_config.json", config}})
        ->encode("b<a>b");
  };
  EXPECT_THAT(ids({{"tokenizer_class", "GPT2Tokenizer"}, {"add_prefix_space", true}}),
              ElementsAre(32, 98, 256, 32, 98));
  EXPECT_THAT(ids({{"tokenizer_class", "GPT2TokenizerFast"}, {"add_prefix_space", true}}),
              ElementsAre(32, 98, 256, 32, 98));
  // The general class leaves it to tokenizer.json.
  EXPECT_THAT(ids({{"tokenizer_class", "PreTrainedTokenizerFast"}, {"add_prefix_space", true}}),
              ElementsAre(98, 256, 98));
}

TEST(TokenizerFolder, AFileNamedTokenizerJsonStandsForItsFolder) {
  const TempFolder folder;
  testing::write_tokenizer(folder.path(), tokenizer_json());
  std::ofstream(folder / "added_tokens.json") << R"({"<b>": 257})";
  EXPECT_EQ(find_tokenizer(folder.path()), folder / "tokenizer.json");
  EXPECT_EQ(load_tokenizer(folder / "tokenizer.json")->id_of("<b>"), 257);
  std::filesystem::rename(folder / "tokenizer.json", folder / "other.json");
  EXPECT_EQ(load_tokenizer(folder / "other.json")->id_of("<b>"), std::nullopt);
}

// 256 "ab", 257 " c".
Files older_form() {
  json vocab = json::object();
  for (int byte = 0; byte < 256; ++byte) vocab[testing::byte_character(byte)] = byte;
  vocab["ab"] = 256;
  vocab["Ġc"] = 257;
  return {{"vocab.json", vocab}, {"merges.txt", "#version: 0.2\na b\nĠ c\n"}};
}

const std::string kOlderText = "ab c<a>b <b><c> \nabe\u0301<|endoftext|>x";

TEST(TokenizerFolder, VocabularyAndMergesMayBeFilesOfTheirOwn) {
  const std::vector<int64_t> ids = {256, 257, 60, 97, 62,  98,  32,  60,  98,  62, 60,
                                    99,  62,  32, 10, 256, 101, 204, 129, 258, 120};
  Files files = older_form();
  EXPECT_EQ(load(files)->encode(kOlderText, true), ids);
  files["config.json"] = {{"model_type", "gpt2"}};
  EXPECT_EQ(load(files)->encode(kOlderText, true), ids);
  EXPECT_EQ(load(files)->decode(ids), "ab c<a>b <b><c> \nabe\u0301x");
  EXPECT_EQ(load(files)->vocab_size(), 259);
}

TEST(TokenizerFolder, TheOlderFormOfGptNeoXComposesCharacters) {
  Files files = older_form();
  files["config.json"] = {{"model_type", "gpt_neox"}};
  EXPECT_THAT(load(files)->encode("abe\u0301<|endoftext|>"), ElementsAre(256, 195, 169, 258));
  EXPECT_EQ(load(files)->id_of("<|padding|>"), 259);
}

TEST(TokenizerFolder, TheOlderFormTakesItsSettingsFromTheConfig) {
  Files files = older_form();
  files["tokenizer_config.json"] = {{"tokenizer_class", "GPT2Tokenizer"},
                                    {"add_prefix_space", true},
                                    {"add_bos_token", true},
                                    {"bos_token", "<a>"},
                                    {"unk_token", "<a>"},
                                    {"eos_token", "<a>"}};
  const auto tokenizer = load(files);
  EXPECT_THAT(tokenizer->encode("ab c<a>b", true), ElementsAre(258, 32, 256, 257, 258, 32, 98));
  EXPECT_THAT(tokenizer->encode("ab c<a>b", false), ElementsAre(32, 256, 257, 258, 32, 98));
}

TEST(TokenizerFolder, TheOlderFormHasAddedTokens) {
  Files files = older_form();
  files["config.json"] = {{"model_type", "gpt2"}};
  files["added_tokens.json"] = {{"<c>", 259}, {"<b>", 260}};
  files["special_tokens_map.json"] = {{"bos_token", "<|endoftext|>"},
                                      {"eos_token", {{"content", "<c>"}, {"rstrip", true}}}};
  const auto tokenizer = load(files);
  EXPECT_EQ(tokenizer->encode(kOlderText),
            (std::vector<int64_t>{256, 257, 60, 97, 62, 98, 32, 259, 258, 32, 10, 256, 101, 204,
                                  129, 260, 120}));
  EXPECT_EQ(tokenizer->decode(std::vector<int64_t>{259, 258, 97}), "<b>a");
}

TEST(TokenizerFolder, WhatIsWrongIsNamedWithItsFile) {
  const auto message = [](Files files) { return testing::message_of([&] { load(files); }); };
  Files files = older_form();
  files["merges.txt"] = "#version: 0.2\na b\na  b\n";
  EXPECT_THAT(message(files), AllOf(HasSubstr("merges.txt': line 3: "), HasSubstr("two tokens")));
  files["merges.txt"] = "a b\nb c\n";
  EXPECT_THAT(message(files), HasSubstr("vocab.json': model.merges[1]: token 'bc'"));
  files = older_form();
  files["config.json"] = {{"model_type", "llama"}};
  EXPECT_THAT(message(files), HasSubstr("do not say how LlamaTokenizer splits text"));
  files = {{"tokenizer.json", tokenizer_json()}, {"added_tokens.json", json::array()}};
  EXPECT_THAT(message(files), HasSubstr("added_tokens.json': expected an object"));
  files["added_tokens.json"] = {{"<b>", "x"}};
  EXPECT_THAT(message(files), HasSubstr("added_tokens.json': <b>: expected an integer"));
  files.erase("added_tokens.json");
  files["tokenizer_config.json"] = {{"added_tokens_decoder", {{"-1", {{"content", "x"}}}}}};
  EXPECT_THAT(message(files), HasSubstr("added_tokens_decoder.-1: expected an id 0 .. "));
  files["tokenizer_config.json"] = "{";
  EXPECT_THAT(message(files), HasSubstr("tokenizer_config.json': is not JSON"));
}

TEST(TokenizerFolder, AnRwkvVocabularyIsFound) {
  const std::string vocabulary = testing::world_vocabulary({"ab"});
  EXPECT_THAT(load({{"rwkv_vocab_v20230424.txt", vocabulary}})->encode("ab"), ElementsAre(257));
  EXPECT_THAT(load({{"vocab.txt", vocabulary}})->encode("ab"), ElementsAre(257));
  EXPECT_THAT(testing::message_of([&] {
                load({{"rwkv_vocab_a.txt", vocabulary}, {"rwkv_vocab_b.txt", vocabulary}});
              }),
              HasSubstr("2 RWKV vocabularies; name one of them: rwkv_vocab_a.txt"));
}

}  // namespace
}  // namespace icl
