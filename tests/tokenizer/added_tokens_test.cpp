// SPDX-License-Identifier: Apache-2.0
//
// Added tokens: the ids they get, the white space they take along, what they decode to. The values
// are those of the tokenizers library, release 0.23.3. A byte's id is its value.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "icl/tokenizer/tokenizer.h"
#include "tests/support/temp_folder.h"
#include "tests/tokenizer/small_tokenizers.h"

namespace icl {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TempFolder;

std::unique_ptr<Tokenizer> load(const json& file) {
  const TempFolder folder;
  return load_tokenizer(testing::write_tokenizer(folder.path(), file));
}

json with_tokens(const std::vector<std::pair<int, std::string>>& tokens) {
  json file = testing::byte_level_tokenizer();  // <|endoftext|> is 256
  for (const auto& [id, content] : tokens) {
    file["added_tokens"].push_back(testing::added_token(id, content, false, true));
  }
  return file;
}

TEST(AddedTokens, GetTheNextFreeIdWhateverTheFileSays) {
  ::testing::internal::CaptureStderr();
  const auto tokenizer = load(with_tokens({{300, "<a>"}, {299, "<b>"}, {300, "<a>"}}));
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              HasSubstr("'<a>' has the id 257, not 300 as the file says, and so for 2 more"));
  EXPECT_THAT(tokenizer->encode("<a>x<b>"), ElementsAre(257, 'x', 258));
  EXPECT_EQ(tokenizer->vocab_size(), 259);
  EXPECT_EQ(tokenizer->base_vocab_size(), 257);
}

TEST(AddedTokens, HaveTheIdOfTheVocabulary) {
  EXPECT_THAT(load(with_tokens({{300, "b"}}))->encode("abc"), ElementsAre('a', 'b', 'c'));
  EXPECT_EQ(load(with_tokens({{98, "<x>"}}))->id_of("<x>"), 257);
  EXPECT_EQ(load(with_tokens({{257, ""}, {258, "<x>"}}))->id_of("<x>"), 257);
}

TEST(AddedTokens, WithoutAContradictionNothingIsSaid) {
  ::testing::internal::CaptureStderr();
  load(with_tokens({{257, "<a>"}, {258, "<b>"}}));
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

std::vector<int64_t> encoded(const std::string& content, bool lstrip, bool rstrip,
                             const std::string& text) {
  json file = with_tokens({{257, content}});
  file["added_tokens"][1]["normalized"] = false;
  file["added_tokens"][1]["lstrip"] = lstrip;
  file["added_tokens"][1]["rstrip"] = rstrip;
  return load(file)->encode(text);
}

TEST(AddedTokens, OfWhiteSpaceAreTakenAlongByOneOfThem) {
  EXPECT_THAT(encoded("\n", true, true, "x\n\n\ny"), ElementsAre('x', 257, 'y'));
  EXPECT_THAT(encoded("\n", true, true, "x \n \n y"), ElementsAre('x', 257, 'y'));
  EXPECT_THAT(encoded("\n", false, true, "x\n\n\ny"), ElementsAre('x', 257, 257, 257, 'y'));
  EXPECT_THAT(encoded("\n", false, true, "x \n \n y"), ElementsAre('x', ' ', 257, 257, 'y'));
  EXPECT_THAT(encoded("\n", true, false, "x \n \n y"), ElementsAre('x', 257, 257, ' ', 'y'));
  EXPECT_THAT(encoded("<x>", true, true, "<x> <x>"), ElementsAre(257, 257));
}

// "Deniz" is found in normalized text as "▁Deniz", and stands for the space too.
TEST(AddedTokens, DecodeToWhatTheyAreFoundAs) {
  json file = testing::llama2_tokenizer({"▁", "m", "e", "t"}, {});
  file["added_tokens"].push_back(testing::added_token(263, "Deniz", false, true));
  const auto tokenizer = load(file);
  const std::vector<int64_t> ids = {259, 260, 261, 262, 263, 263};
  EXPECT_EQ(tokenizer->encode("met Deniz Deniz"), ids);
  EXPECT_EQ(tokenizer->decode(ids), "met Deniz Deniz");
  file["added_tokens"][3]["normalized"] = false;
  EXPECT_EQ(load(file)->decode(ids), "metDenizDeniz");
}

TEST(AddedTokens, DecodeInTheirNormalForm) {
  json file = with_tokens({{257, "Deniz"}});
  file["normalizer"] = {{"type", "Lowercase"}};
  const auto tokenizer = load(file);
  EXPECT_THAT(tokenizer->encode("DENIZ"), ElementsAre(257));
  EXPECT_EQ(tokenizer->decode(std::vector<int64_t>{257}), "deniz");
  EXPECT_EQ(tokenizer->id_of("Deniz"), 257);
}

}  // namespace
}  // namespace icl
