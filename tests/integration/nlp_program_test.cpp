// SPDX-License-Identifier: Apache-2.0
//
// icl-nlp as a person meets it: logits and continuations of token sequences, and what it refuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "icl/io/safetensors.h"
#include "tests/language/random_models.h"
#include "tests/support/program.h"

namespace icl::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class NlpProgram : public ::testing::Test {
 protected:
  void SetUp() override { write_model(folder_ / "model", random_model("gpt2")); }
  ProgramResult logits(const std::string& ids) {
    std::ofstream(folder_ / "ids.json") << ids;
    return run_program("icl-nlp", {"logits", "--model", (folder_ / "model").string(), "--ids",
                                   (folder_ / "ids.json").string(), "--out",
                                   (folder_ / "out.safetensors").string(), "--threads", "1"});
  }
  ProgramResult generate(std::vector<std::string> arguments) {
    std::vector<std::string> all = {"generate", "--model", (folder_ / "model").string(),
                                    "--threads", "1"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return run_program("icl-nlp", all);
  }
  std::string ids() const { return (folder_ / "ids.json").string(); }

  TempFolder folder_;
};

TEST_F(NlpProgram, WritesLogitsByName) {
  const ProgramResult result = logits(R"({"first": [1, 2, 3], "second one": [40]})");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "");
  const SafetensorsFile file(folder_ / "out.safetensors");
  EXPECT_EQ(file.tensor("first", at::kFloat, {3, 41}).dim(), 2);
  EXPECT_EQ(file.tensor("second one", at::kFloat, {1, 41}).dim(), 2);
  EXPECT_EQ(file.names().size(), 2u);
}

TEST_F(NlpProgram, DoesNotDependOnWhereTheFileHoldsAWeight) {
  const HubModel model = random_model("gpt_neox");
  const std::string ids = R"({"one token": [5], "some": [1, 2, 3]})";
  TensorsByName first;
  for (size_t padding = 0; padding < 8; ++padding) {
    write_model(folder_ / "model", model);
    write_safetensors(folder_ / "model" / "model.safetensors",
                      {model.tensors.begin(), model.tensors.end()},
                      {{"moves the data by 8 bytes each", std::string(8 * padding, ' ')}});
    ASSERT_EQ(logits(ids).exit_code, 0);
    const SafetensorsFile file(folder_ / "out.safetensors");
    for (const std::string& name : file.names()) {
      if (padding == 0) first[name] = file.tensor(name).clone();
      EXPECT_TRUE(at::equal(file.tensor(name), first[name])) << name << " " << padding;
    }
  }
}

TEST_F(NlpProgram, RefusesWhatIsNoSequence) {
  const auto complaint = [&](const std::string& text) {
    const ProgramResult result = logits(text);
    EXPECT_EQ(result.exit_code, 3) << text;
    EXPECT_FALSE(std::filesystem::exists(folder_ / "out.safetensors"));
    return result.err;
  };
  EXPECT_THAT(complaint(R"({"a": [1], "b": [3, 41]})"),
              HasSubstr("'b' holds 41 at index 1, expected an integer in 0 .. 40"));
  EXPECT_THAT(complaint(R"({"a": [-1]})"), HasSubstr("'a' holds -1 at index 0"));
  EXPECT_THAT(complaint(R"({"a": [18446744073709551615]})"), HasSubstr("at index 0"));
  EXPECT_THAT(complaint(R"({"a": [1.5]})"), HasSubstr("'a' holds 1.5 at index 0"));
  EXPECT_THAT(complaint(R"({"a": ["x"]})"), HasSubstr("at index 0"));
  EXPECT_THAT(complaint(R"({"a": []})"), HasSubstr("'a' is empty"));
  EXPECT_THAT(complaint(R"({"a": 4})"), HasSubstr("'a' is number, expected a list"));
  EXPECT_THAT(complaint("[1, 2]"), HasSubstr("found array"));
  EXPECT_THAT(complaint("{}"), HasSubstr("found an empty object"));
  EXPECT_THAT(complaint("{"), HasSubstr("ids.json':1:2: not valid JSON"));
  EXPECT_THAT(complaint("{\"a\": " + std::string(20'000, '[') + std::string(20'000, ']') + "}"),
              HasSubstr("brackets nest more than 1000 deep"));
  std::string longer = "0";
  for (int i = 0; i < 40; ++i) longer += ",0";
  EXPECT_THAT(complaint("{\"a\": [" + longer + "]}"),
              HasSubstr("'a' has 41 ids, but the model's context is 40 tokens"));
}

TEST_F(NlpProgram, ContinuesSequences) {
  std::ofstream(ids()) << R"({"a": [1, 2, 3], "b": [7]})";
  const ProgramResult result = generate({"--ids", ids(), "--max-new-tokens", "4", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const nlohmann::json added = nlohmann::json::parse(result.out);
  ASSERT_EQ(added.size(), 2u);
  // The first new token is the likeliest after the last position.
  ASSERT_EQ(logits(R"({"a": [1, 2, 3], "b": [7]})").exit_code, 0);
  const SafetensorsFile file(folder_ / "out.safetensors");
  for (const char* name : {"a", "b"}) {
    ASSERT_EQ(added[name].size(), 4u);
    EXPECT_EQ(added[name][0], file.tensor(name).select(0, -1).argmax().item<int64_t>());
  }
  const ProgramResult text = generate({"--ids", ids(), "--max-new-tokens", "1"});
  EXPECT_EQ(text.out, "a: " + added["a"][0].dump() + "\nb: " + added["b"][0].dump() + "\n");
}

TEST_F(NlpProgram, StopsWhereTheTextEnds) {
  std::ofstream(ids()) << R"({"a": [1, 2, 3]})";
  const auto added = [&](std::vector<std::string> more) {
    more.insert(more.end(), {"--ids", ids(), "--max-new-tokens", "8", "--json"});
    const ProgramResult result = generate(more);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return nlohmann::json::parse(result.out)["a"].get<std::vector<int64_t>>();
  };
  const std::vector<int64_t> whole = added({});
  ASSERT_EQ(whole.size(), 8u);
  HubModel model = random_model("gpt2");
  model.config["eos_token_id"] = whole[3];
  write_model(folder_ / "model", model);
  const auto end = std::find(whole.begin(), whole.end(), whole[3]) + 1;
  EXPECT_EQ(added({}), std::vector<int64_t>(whole.begin(), end));
  EXPECT_EQ(added({"--ignore-eos"}), whole);
}

TEST_F(NlpProgram, ComputesInTheTypeThatIsAskedFor) {
  std::ofstream(ids()) << R"({"a": [1, 2, 3]})";
  for (const char* type : {"auto", "float32", "bfloat16", "float16"}) {
    EXPECT_EQ(generate({"--ids", ids(), "--dtype", type}).exit_code, 0) << type;
  }
  const ProgramResult result = generate({"--ids", ids(), "--dtype", "bfloat"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("did you mean 'bfloat16'?"));
}

TEST_F(NlpProgram, RefusesWeightsThatAreNotFinite) {
  HubModel model = random_model("gpt2");
  model.tensors["transformer.ln_f.bias"][0] = NAN;
  write_model(folder_ / "model", model);
  const ProgramResult result = logits(R"({"a": [1]})");
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("transformer.ln_f.bias holds 1 times NaN"));
}

TEST_F(NlpProgram, SaysWhatGenerateNeeds) {
  ProgramResult result = generate({});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("either --ids FILE or --prompt TEXT"));
  result = generate({"--prompt", "example:a->"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("holds no tokenizer"));
  std::ofstream(ids()) << R"({"a": [1, 2, 3]})";
  result = generate({"--ids", ids(), "--max-new-tokens", "0"});
  EXPECT_EQ(result.exit_code, 2);
  result = generate({"--ids", ids(), "--max-new-tokens", "39"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, AllOf(HasSubstr("'a' has 3 ids"), HasSubstr("context is 40 tokens")));
  EXPECT_EQ(generate({"--ids", ids(), "--max-new-tokens", "38"}).exit_code, 0);
  result =
      run_program("icl-nlp", {"generate", "--model", (folder_ / "none").string(), "--ids", ids()});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("no such model folder"));
}

}  // namespace
}  // namespace icl::testing
