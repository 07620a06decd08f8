// SPDX-License-Identifier: Apache-2.0
#include "icl/language/evaluation.h"

#include <ATen/Parallel.h>
#include <gmock/gmock.h>

#include "icl/base/error.h"
#include "icl/language/results.h"
#include "tests/language/list_tokenizer.h"
#include "tests/language/random_models.h"
#include "tests/support/temp_folder.h"

namespace icl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::ListTokenizer;
using testing::message_of;
using testing::TempFolder;

const std::vector<std::string> kFamilies = {"mamba", "rwkv", "gpt2", "gpt_neox", "gptj", "llama"};

std::shared_ptr<LanguageModel> random_language_model(const std::string& type, int64_t context = 400,
                                                     int64_t rows = 256) {
  const TempFolder folder;
  nlohmann::json settings = {{"vocab_size", rows}};
  if (type == "gpt2" || type == "gptj") settings["n_positions"] = context;
  if (type == "gpt_neox" || type == "llama") settings["max_position_embeddings"] = context;
  testing::write_model(folder.path(), testing::random_model(type, settings));
  return load_language_model(folder.path()).model;
}

ShotOptions options_for(std::vector<std::string> tasks, std::vector<int64_t> shots) {
  ShotOptions options;
  options.tasks = expand_language_tasks(tasks);
  options.shots = std::move(shots);
  options.n_prompts = 12;
  options.seed = 7;
  options.keep_samples = true;
  return options;
}

std::vector<std::string> predictions(LanguageModel& model, const ShotOptions& options,
                                     const Tokenizer& tokenizer = ListTokenizer()) {
  std::vector<std::string> texts;
  for (const ShotResult& result : evaluate_shots(model, tokenizer, options).results) {
    for (const ShotSample& sample : result.samples) {
      texts.push_back(sample.prompt + sample.prediction);
    }
  }
  return texts;
}

TEST(Accuracy, IsAMeanWithTheErrorOfIndependentContexts) {
  const Accuracy separate = accuracy_of({true, true, false, false}, {0, 1, 2, 3});
  EXPECT_EQ(separate.n_prompts, 4);
  EXPECT_DOUBLE_EQ(separate.value, 0.5);
  EXPECT_NEAR(separate.standard_error, std::sqrt(0.25 / 3), 1e-15);
  // Two contexts whose prompts agree are two observations, not four.
  EXPECT_NEAR(accuracy_of({true, true, false, false}, {0, 0, 1, 1}).standard_error, 0.5, 1e-15);
  EXPECT_TRUE(std::isnan(accuracy_of({true}, {0}).standard_error));
  EXPECT_TRUE(std::isnan(accuracy_of({}, {}).value));
}

ShotResult cell(const std::string& task, int64_t shots, double accuracy, double error,
                const std::string& skipped = "") {
  return {.task = language_task_info(task),
          .shots = shots,
          .skipped = skipped,
          .accuracy = {.n_prompts = 100, .value = accuracy, .standard_error = error}};
}

TEST(Means, AreOfTheTasksOfEveryShotCountAndOfThoseOfThisOne) {
  const std::vector<ShotResult> results = {
      cell("to_upper", 1, 0.2, 0.03), cell("to_upper", 32, NAN, NAN, "too few items"),
      cell("antonyms", 1, 0.6, 0.04), cell("antonyms", 32, 0.8, 0.05)};
  const std::vector<GroupMeans> means = group_means(results, {1, 32});
  ASSERT_EQ(means.size(), 6u);  // all, algorithmic, linguistic
  EXPECT_EQ(means[0].group, "all");
  EXPECT_THAT(means[0].fixed.tasks, ElementsAre("antonyms"));
  EXPECT_DOUBLE_EQ(means[0].fixed.accuracy, 0.6);
  EXPECT_DOUBLE_EQ(means[0].available.accuracy, 0.4);
  EXPECT_DOUBLE_EQ(means[0].available.standard_error, 0.05 / 2);  // 3, 4, 5
  EXPECT_DOUBLE_EQ(means[1].available.accuracy, 0.8);
  EXPECT_EQ(means[2].group, "algorithmic");
  EXPECT_TRUE(means[2].fixed.tasks.empty());
  EXPECT_TRUE(std::isnan(means[2].fixed.accuracy));
  EXPECT_DOUBLE_EQ(means[2].available.accuracy, 0.2);
}

TEST(Shots, DoNotDependOnTheBatchForAnyFamily) {
  for (const std::string& family : kFamilies) {
    const auto model = random_language_model(family);
    ShotOptions options = options_for({"list_first", "list_length"}, {0, 3});
    options.batch_size = 1;
    const auto alone = predictions(*model, options);
    EXPECT_EQ(alone.size(), 48u);
    options.batch_size = 7;
    EXPECT_EQ(predictions(*model, options), alone) << family;
  }
}

TEST(Shots, FromASharedContextEqualPlainOnesForAnyFamily) {
  for (const std::string& family : kFamilies) {
    const auto model = random_language_model(family);
    ShotOptions options = options_for({"list_last", "next_letter"}, {0, 1, 4});
    options.queries_per_context = 5;
    options.reuse_state = false;
    const auto plain = predictions(*model, options);
    EXPECT_EQ(plain.size(), 72u);
    options.reuse_state = true;
    EXPECT_EQ(predictions(*model, options), plain) << family;
  }
}

TEST(Shots, OfASharedContextFallBackWhereTokensCrossItsEnd) {
  const auto model = random_language_model("mamba", 0, 258);
  // The newline that ends a context joins the query behind it, but for the last demonstration.
  const ListTokenizer tokenizer({"\nexample:", "->b\n"});
  ShotOptions options = options_for({"next_letter"}, {0, 2, 5});
  options.queries_per_context = 4;
  options.reuse_state = false;
  const auto plain = predictions(*model, options, tokenizer);
  options.reuse_state = true;
  EXPECT_EQ(predictions(*model, options, tokenizer), plain);
}

// A tokenizer whose words were added after the model was trained.
class LongerTokenizer : public ListTokenizer {
 public:
  using ListTokenizer::ListTokenizer;
  int64_t base_vocab_size() const override { return 256; }
};

TEST(Shots, MayHaveATokenizerWithAddedTokensThatTheModelLacks) {
  const auto model = random_language_model("mamba", 0, 256);
  const ShotOptions options = options_for({"to_upper"}, {1});
  ::testing::internal::CaptureStderr();
  const auto longer = predictions(*model, options, LongerTokenizer({"never used"}));
  EXPECT_THAT(
      ::testing::internal::GetCapturedStderr(),
      HasSubstr("the tokenizer has ids up to 256, the model only 256 rows: the added tokens"));
  EXPECT_EQ(longer, predictions(*model, options));
  EXPECT_THAT(message_of([&] { predictions(*model, options, LongerTokenizer({"->"})); }),
              HasSubstr("the prompt holds the added token '->' with the id 256"));
  EXPECT_THAT(message_of([&] { predictions(*model, options, ListTokenizer({"->"})); }),
              HasSubstr("they do not belong together"));
}

TEST(Shots, DoNotDependOnTheNumberOfThreads) {
  const auto model = random_language_model("mamba");
  const ShotOptions options = options_for({"list_first"}, {4});
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const auto one = predictions(*model, options);
  at::set_num_threads(3);
  EXPECT_EQ(predictions(*model, options), one);
  at::set_num_threads(before);
}

TEST(Shots, ReportTasksWithTooFewItems) {
  const auto model = random_language_model("mamba");
  const ShotResults results =
      evaluate_shots(*model, ListTokenizer(), options_for({"char_to_int", "to_upper"}, {8, 9}));
  ASSERT_EQ(results.results.size(), 4u);
  EXPECT_TRUE(results.results[2].whole());  // in the table's order: to_upper first
  const ShotResult& nine = results.results[3];
  EXPECT_STREQ(nine.task.name, "char_to_int");
  EXPECT_EQ(nine.skipped, "too few items: 9, and 9 shots take 10");
  EXPECT_TRUE(std::isnan(nine.accuracy.value));
  EXPECT_THAT(results.means[1].fixed.tasks, ElementsAre("to_upper"));
  EXPECT_THAT(results.means[0].available.tasks, ElementsAre("to_upper", "char_to_int"));
  EXPECT_THAT(shots_table(results), HasSubstr("char_to_int: too few items for 9 shots: 9"));
}

TEST(Shots, CountPromptsBeyondTheContext) {
  // "example:a,b->a\n" is 15 bytes with two letters, up to 19 with four.
  const auto model = random_language_model("gpt2", 50);
  const ShotResults results =
      evaluate_shots(*model, ListTokenizer(), options_for({"list_first"}, {0, 2, 4}));
  ASSERT_EQ(results.results.size(), 3u);
  EXPECT_TRUE(results.results[0].whole());
  const ShotResult& some = results.results[1];
  EXPECT_GT(some.overflow, 0);
  EXPECT_GT(some.accuracy.n_prompts, 0);
  EXPECT_EQ(some.overflow + some.accuracy.n_prompts, 12);
  for (const ShotSample& sample : some.samples) EXPECT_LE(sample.prompt.size(), 50u);
  EXPECT_FALSE(some.whole());
  EXPECT_EQ(results.results[2].overflow, 12);
  EXPECT_THAT(results.results[2].skipped, HasSubstr("longer than the model's context of 50"));
  EXPECT_TRUE(results.means[1].available.tasks.empty());
  EXPECT_THAT(shots_table(results), HasSubstr("of 12 prompts are longer than"));
}

TEST(Shots, RefuseAModelWithFewerRowsThanTheVocabulary) {
  const auto few_rows = random_language_model("mamba", 0, 200);  // of 256 ids
  EXPECT_THAT(message_of([&] {
                evaluate_shots(*few_rows, ListTokenizer(), options_for({"list_first"}, {1}));
              }),
              HasSubstr("the tokenizer has ids up to 255, the model only 200 rows"));
}

TEST(Shots, LongPromptsOfADynamicModelDoNotDependOnTheirNeighbours) {
  const TempFolder folder;
  testing::write_model(
      folder.path(),
      testing::random_model("llama", {{"vocab_size", 256},
                                      {"max_position_embeddings", 30},
                                      {"rope_scaling", {{"type", "dynamic"}, {"factor", 4.0}}}}));
  const auto model = load_language_model(folder.path()).model;
  ShotOptions options = options_for({"list_first"}, {2});
  const auto predictions = [&](int64_t batch_size) {
    options.batch_size = batch_size;
    std::vector<std::string> texts;
    for (const ShotSample& sample :
         evaluate_shots(*model, ListTokenizer(), options).results[0].samples) {
      texts.push_back(sample.prediction);
    }
    return texts;
  };
  EXPECT_EQ(predictions(12), predictions(1));
}

TEST(Shots, StopWhenAskedAndKeepWhatIsFinished) {
  const auto model = random_language_model("mamba");
  ShotOptions options = options_for({"to_upper", "to_lower"}, {0, 1});
  int64_t most = 0;
  options.progress = [&](int64_t done, int64_t total, const std::string&) {
    most = std::max(most, done);
    EXPECT_EQ(total, 48);
    return done <= 24;
  };
  const ShotResults results = evaluate_shots(*model, ListTokenizer(), options);
  EXPECT_FALSE(results.complete);
  EXPECT_EQ(results.results.size(), 2u);
  options.progress = [&](int64_t done, int64_t total, const std::string&) {
    most = std::max(most, done);
    return done <= total;
  };
  EXPECT_TRUE(evaluate_shots(*model, ListTokenizer(), options).complete);
  EXPECT_EQ(most, 48);
}

TEST(LanguageEvaluation, IsReadAsItWasWritten) {
  const auto model = random_language_model("mamba");
  ShotOptions options = options_for({"char_to_int", "to_upper"}, {1, 9});
  options.task_vectors = true;
  const ShotResults results = evaluate_shots(*model, ListTokenizer(), options);
  const LanguageFacts facts = {
      .name = "tiny", .family = "mamba", .dtype = "bfloat16", .parameters = 5, .n_prompts = 12};
  const std::string text = LanguageEvaluation{facts, results}.to_json().dump();
  const auto read = LanguageEvaluation::from_json(nlohmann::json::parse(text), "'a.json'");
  EXPECT_EQ(read.to_json().dump(), text);
  EXPECT_EQ(read.facts.name, "tiny");
  EXPECT_EQ(read.facts.dtype, "bfloat16");
  ASSERT_EQ(read.results.results.size(), results.results.size());
  EXPECT_EQ(std::string(read.results.results[0].task.name), "to_upper");
  EXPECT_EQ(read.results.means.size(), results.means.size());
  EXPECT_EQ(read.results.task_vectors.size(), results.task_vectors.size());
}

TEST(LanguageEvaluation, SaysWhatIsWrongInAFile) {
  const std::string text =
      LanguageEvaluation{
          {.name = "tiny"},
          {.shots = {0},
           .results = {{.task = language_task_info("to_upper"), .source = "generated"}}}}
          .to_json()
          .dump();
  const auto refusal = [&](const char* place, const nlohmann::json& value) {
    nlohmann::json json = nlohmann::json::parse(text);
    json[nlohmann::json::json_pointer(place)] = value;
    return testing::message_of([&] { LanguageEvaluation::from_json(json, "'a.json'"); });
  };
  EXPECT_THAT(refusal("/schema", "icl.eval"),
              HasSubstr("'a.json': schema: expected 'icl.nlp', found \"icl.eval\""));
  EXPECT_THAT(refusal("/version", 2),
              HasSubstr("version: expected 1, found 2 (written by a newer"));
  EXPECT_THAT(refusal("/results/0/shots", "x"),
              HasSubstr("'a.json': results[0].shots: expected an integer, found \"x\""));
  EXPECT_THAT(refusal("/results/0/task", "to_uper"), HasSubstr("'to_uper' is none of icl's tasks"));
  EXPECT_THAT(refusal("/model/name", nullptr), HasSubstr("model.name: is missing"));
}

TEST(ShotResults, AreTablesAndLines) {
  const auto model = random_language_model("mamba");
  const ShotResults results =
      evaluate_shots(*model, ListTokenizer(), options_for({"char_to_int", "to_upper"}, {1, 9}));
  EXPECT_THAT(shots_csv(results),
              HasSubstr("task,char_to_int,algorithmic,9,,,,\"too few items: 9, and 9 shots"));
  EXPECT_THAT(samples_text(results), HasSubstr(R"("task":"to_upper","shots":1,"index":0)"));
}

}  // namespace
}  // namespace icl
