// SPDX-License-Identifier: Apache-2.0
//
// Task vectors of a model made by hand, whose first layer finds the task and whose second does it.
#include "icl/language/task_vectors.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include "icl/language/results.h"
#include "icl/models/block.h"
#include "tests/language/list_tokenizer.h"

namespace icl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::ListTokenizer;

// Places in the residual stream: the byte (one-hot), the task, the answer (one-hot).
constexpr int64_t kTask = 256, kAnswer = 257, kWidth = 513;

class Stateless : public Mixer {
 public:
  void reset_parameters(Depth) override {}
  std::vector<at::Tensor> initial_state(int64_t) const override { return {}; }
};

// Marks every token that has seen an upper-case letter.
class FindsTheTask : public Stateless {
 public:
  at::Tensor forward(const at::Tensor& x, Slots) override {
    const at::Tensor upper = x.narrow(2, 'A', 26).sum(2).gt(0.5).to(at::kFloat);
    at::Tensor update = at::zeros_like(x);
    update.select(2, kTask).copy_(std::get<0>(at::cummax(upper, 1)));
    return update;
  }
};

// Answers with the letter two tokens back, in upper case where the token is marked.
class DoesTheTask : public Stateless {
 public:
  at::Tensor forward(const at::Tensor& x, Slots) override {
    at::Tensor update = at::zeros_like(x);
    for (int64_t b = 0; b < x.size(0); ++b) {
      for (int64_t t = 2; t < x.size(1); ++t) {
        int64_t letter = x[b][t - 2].narrow(0, 0, 256).argmax().item<int64_t>();
        if (x[b][t][kTask].item<float>() > 0.1F && letter >= 'a') letter -= 'a' - 'A';
        update[b][t][kAnswer + letter] = 1;
      }
    }
    return update;
  }
};

std::shared_ptr<LanguageModel> hand_made_model() {
  const auto block = [](std::shared_ptr<Mixer> mixer) {
    auto norm = std::make_shared<Norm>(Norm::Kind::kRms, kWidth);
    norm->reset_parameters();
    auto made = std::make_shared<Block>();
    made->add("norm", norm, "mixer", std::move(mixer));
    return made;
  };
  auto backbone = std::make_shared<Backbone>(
      kWidth,
      std::vector<std::shared_ptr<Block>>{block(std::make_shared<FindsTheTask>()),
                                          block(std::make_shared<DoesTheTask>())},
      Backbone::Stages{});
  auto model = std::make_shared<LanguageModel>(LanguageModel::Parts{.family = "hand_made",
                                                                    .backbone = backbone,
                                                                    .n_rows = 256,
                                                                    .vocab_size = 256,
                                                                    .tied = false});
  const at::NoGradGuard no_grad;
  for (auto& item : model->named_parameters()) {
    if (item.key() == "embedding.weight") {
      item.value().zero_().narrow(1, 0, 256).copy_(at::eye(256));
    } else if (item.key() == "head.weight") {
      item.value().zero_().narrow(1, kAnswer, 256).copy_(at::eye(256));
    }
  }
  return model;
}

ShotOptions options_for(const std::string& task) {
  ShotOptions options;
  options.tasks = expand_language_tasks({task});
  options.shots = {2};
  options.n_prompts = 20;
  options.development_prompts = 10;
  options.task_vectors = true;
  return options;
}

TEST(TaskVectors, CarryTheTaskAfterTheLayerThatFindsIt) {
  const auto model = hand_made_model();
  const ShotResults results = evaluate_shots(*model, ListTokenizer(), options_for("to_upper"));
  EXPECT_THAT(results.shots, ElementsAre(0, 2));
  EXPECT_EQ(results.results[0].accuracy.value, 0);  // nothing tells the task
  EXPECT_EQ(results.results[1].accuracy.value, 1);
  ASSERT_EQ(results.task_vectors.size(), 1u);
  const TaskVectorResult& vector = results.task_vectors[0];
  EXPECT_EQ(vector.layer, 0);
  // After the second layer the vector holds the answers to the dummies, which are other letters.
  EXPECT_THAT(vector.layer_accuracies, ElementsAre(1.0, 0.0));
  EXPECT_EQ(vector.accuracy.value, 1);
  EXPECT_EQ(vector.accuracy.n_prompts, 20);
  const std::string table = shots_table(results);
  EXPECT_THAT(table, HasSubstr("vector of 2"));
  EXPECT_THAT(table, HasSubstr("1.000 ± 0.000 (layer 0)"));
  const auto json = LanguageEvaluation{.facts = {}, .results = results}.to_json();
  EXPECT_EQ(json["task_vectors"][0]["layer"], 0);
  EXPECT_EQ(json["task_vectors"][0]["accuracy"], 1.0);
}

TEST(TaskVectors, SayWhichTasksHaveTooFewItems) {
  const auto model = hand_made_model();
  ShotOptions options = options_for("int_to_char");
  options.shots = {7};
  const ShotResults results = evaluate_shots(*model, ListTokenizer(), options);
  EXPECT_TRUE(results.results[1].whole());
  EXPECT_EQ(results.task_vectors[0].skipped,
            "too few items: 9, and 7 shots with 2 dummy queries take 10");
}

TEST(TaskVectors, ReportEveryPassAsProgress) {
  const auto model = hand_made_model();
  ShotOptions options = options_for("to_upper");
  int64_t most = 0, expected = 0;
  options.progress = [&](int64_t done, int64_t total, const std::string&) {
    most = done;
    expected = total;
    return true;
  };
  evaluate_shots(*model, ListTokenizer(), options);
  EXPECT_EQ(most, expected);
  options.progress = [&](int64_t done, int64_t, const std::string&) { return done < expected - 1; };
  const ShotResults stopped = evaluate_shots(*model, ListTokenizer(), options);
  EXPECT_FALSE(stopped.complete);
  EXPECT_TRUE(stopped.task_vectors.empty());
}

}  // namespace
}  // namespace icl
