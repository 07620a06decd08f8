// SPDX-License-Identifier: Apache-2.0
#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <cmath>

#include "icl/base/error.h"
#include "icl/io/files.h"
#include "icl/language/language_model.h"
#include "icl/runs/loaded_run.h"
#include "icl/tokenizer/tokenizer.h"
#include "icl/training/trainer.h"
#include "tests/support/small_models.h"
#include "tests/support/temp_folder.h"

namespace icl {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::message_of;
using testing::TempFolder;

RunConfig tiny(const std::string& family) {
  RunConfig config;
  config.seed = 3;
  config.model = testing::small_model_config(family, 16, 1);
  if (auto* gpt2 = config.model.family.get_if<Gpt2Family>()) {
    gpt2->positions = "learned";
    gpt2->n_positions = 80;
  }
  config.objective = "tokens";
  config.training.steps = 9;
  config.training.batch_size = 4;
  config.training.optimizer.lr = 1e-2;
  config.training.curriculum.points = {.start = 3, .end = 3};
  config.training.log_every = 1;
  config.training.checkpoint_every = 3;
  return config;
}

LanguageModel& model_of(Objective& objective) {
  return dynamic_cast<LanguageModel&>(objective.module());
}

// The padding of a short document plays no part: a batch's loss is the same without it.
TEST(TokenObjective, LeavesPaddingOut) {
  RunConfig config = tiny("mamba");
  config.training.batch_size = 2;
  const auto objective = make_objective(config, c10::kCPU);
  const at::NoGradGuard no_grad;
  int64_t step = 0;  // one whose documents differ in length
  while (sample_documents(3, step, 2, 3).lengths[0] == sample_documents(3, step, 2, 3).lengths[1]) {
    ++step;
  }
  const Documents documents = sample_documents(3, step, 2, 3);
  double answers = 0, others = 0, n_others = 0;
  for (int64_t b = 0; b < 2; ++b) {
    const int64_t length = documents.lengths[static_cast<size_t>(b)];
    const at::Tensor ids = documents.ids_BT[b].slice(0, 0, length).unsqueeze(0);
    const at::Tensor losses = -at::log_softmax(model_of(*objective).logits(ids)[0], 1)
                                   .slice(0, 0, length - 1)
                                   .gather(1, ids[0].slice(0, 1).unsqueeze(1));
    double own = 0;
    for (const int64_t place : documents.answers[static_cast<size_t>(b)]) {
      own += losses[place - 1].item<double>();
    }
    answers += own;
    others += losses.sum().item<double>() - own;
    n_others += static_cast<double>(length - 1 - 3);
  }
  EXPECT_NEAR(objective->loss(objective->draw(step)).loss.item<double>(),
              answers / 12 + others / (2 * n_others), 1e-5);
}

// A deviation of 0.8 over the root of the width: 0.2 here. Positions of a sinusoid each.
TEST(TokenObjective, StartsGpt2AsWideAsItsWidthAllows) {
  const auto objective = make_objective(tiny("gpt2"), c10::kCPU);
  const auto weights = objective->module().named_parameters();
  EXPECT_NEAR(weights["embedding.weight"].std().item<double>(), 0.2, 0.02);
  EXPECT_NEAR(weights["backbone.blocks.0.attn.c_attn.weight"].std().item<double>(), 0.2, 0.02);
  EXPECT_TRUE(weights["backbone.blocks.0.ln_1.weight"].eq(1).all().item<bool>());
  const at::Tensor positions = weights["backbone.positions.weight"].detach();
  EXPECT_NEAR(positions.square().mean().sqrt().item<double>(), 0.2, 1e-5);
  const double peak = 0.2 * std::sqrt(2.0);
  EXPECT_NEAR(positions[3][0].item<double>(), peak * std::sin(3.0), 1e-5);
  EXPECT_NEAR(positions[3][1].item<double>(), peak * std::cos(3.0), 1e-5);
  EXPECT_NEAR(positions[3][2].item<double>(), peak * std::sin(3.0 * std::pow(10.0, -0.5)), 1e-5);
  // Two positions look alike by their distance alone.
  const at::Tensor alike = at::matmul(positions, positions.t());
  EXPECT_NEAR(alike[2][5].item<double>(), alike[60][63].item<double>(), 1e-4);
}

TEST(TokenObjective, LosesLog256WithoutKnowledgeAndLearns) {
  for (const char* family : {"gpt2", "mamba"}) {
    RunConfig config = tiny(family);
    config.training.steps = 60;
    Trainer trainer(config, make_objective(config, c10::kCPU), c10::kCPU);
    const auto first = trainer.step(0, true);
    EXPECT_NEAR(first->loss / first->relative_loss, std::log(256.0), 1e-5) << family;
    EXPECT_NEAR(first->loss, std::log(256.0), 1.5) << family;
    EXPECT_EQ(first->errors.size(), 3u);
    for (int64_t i = 1; i < 59; ++i) trainer.step(i, false);
    EXPECT_LT(trainer.step(59, true)->loss, 0.6 * first->loss) << family;
  }
}

TEST(TokenObjective, IsHalfThatOfTheAnswers) {
  RunConfig config = tiny("mamba");
  config.training.batch_size = 1;
  const auto alone = make_objective(config, c10::kCPU);
  const at::NoGradGuard no_grad;
  const Documents documents = sample_documents(3, 0, 1, 3);
  const at::Tensor ids = documents.ids_BT;
  const at::Tensor logits = model_of(*alone).logits(ids.slice(1, 0, -1));
  const at::Tensor losses =
      -at::log_softmax(logits[0], 1).gather(1, ids[0].slice(0, 1).unsqueeze(1)).squeeze(1);
  double answers = 0, all = 0;
  for (int64_t t = 0; t < documents.lengths[0] - 1; ++t) all += losses[t].item<double>();
  for (const int64_t place : documents.answers[0]) answers += losses[place - 1].item<double>();
  const auto n_others = static_cast<double>(documents.lengths[0] - 1 - 3);
  EXPECT_NEAR(alone->loss(alone->draw(0)).loss.item<double>(),
              answers / 6 + (all - answers) / (2 * n_others), 1e-5);
}

TEST(TokenTraining, ResumesToTheSameBytes) {
  for (const char* family : {"gpt2", "mamba"}) {
    const TempFolder folder;
    const auto run = [&](const char* name, int64_t steps, bool resume) {
      RunConfig config = tiny(family);
      config.training.schedule.name = "constant";
      config.training.steps = steps;
      RunWriter writer(folder / name, config, resume);
      Trainer trainer(config, make_objective(config, c10::kCPU), c10::kCPU);
      if (resume) trainer.resume_from(writer.folder().find_checkpoint());
      writer.begin(trainer.next_step() - 1, {{"threads", 1}});
      trainer.run(writer, {});
    };
    run("whole", 9, false);
    run("pieces", 6, false);
    run("pieces", 9, true);
    for (const char* file : {"model.safetensors", "optimizer.safetensors", "state.json"}) {
      EXPECT_EQ(read_file(RunFolder(folder / "pieces").checkpoint(9) / file),
                read_file(RunFolder(folder / "whole").checkpoint(9) / file))
          << family << " " << file;
    }
    EXPECT_THAT(message_of([&] { load_run(folder / "whole"); }),
                HasSubstr("is a run on token sequences: use icl-nlp on"));
  }
}

TEST(TokenTraining, ExportsWhatIclNlpReads) {
  for (const char* family : {"gpt2", "mamba"}) {
    const TempFolder folder;
    const RunConfig config = tiny(family);
    Trainer trainer(config, make_objective(config, c10::kCPU), c10::kCPU);
    trainer.step(0, false);
    LanguageModel& model = model_of(trainer.objective());
    trainer.objective().export_model(RunFolder(folder / "run"));
    const LoadedModel loaded = load_language_model(folder / "run/hf");
    ASSERT_TRUE(loaded.tokenizer.has_value());
    const std::vector<int64_t> ids = load_tokenizer(*loaded.tokenizer)->encode("example:a->\n é");
    EXPECT_EQ(ids[0], 'e');
    EXPECT_EQ(ids.size(), 15u);
    EXPECT_EQ(ids[11], '\n');
    EXPECT_EQ(ids[13], 0xc3);
    const at::NoGradGuard no_grad;
    const at::Tensor batch = at::tensor(ids, at::kLong).unsqueeze(0);
    EXPECT_TRUE(at::allclose(loaded.model->logits(batch), model.logits(batch), 1e-5, 1e-5))
        << family;
  }
}

TEST(TokenTraining, RefusesKeysThatDoNotFit) {
  const auto complaint = [](const auto& change) {
    RunConfig config = tiny("gpt2");
    change(config);
    std::vector<Problem> found;
    Problems problems(found);
    config.check(problems);
    std::string text;
    for (const Problem& problem : found) text += problem.path + ": " + problem.text + "\n";
    return text;
  };
  EXPECT_EQ(complaint([](RunConfig&) {}), "");
  EXPECT_THAT(
      complaint([](RunConfig& c) { c.training.curriculum.points.end = 26; }),
      HasSubstr("tokens.task: demonstrations: the smallest task has 25 items, fewer than "));
  EXPECT_THAT(complaint([](RunConfig& c) { c.model.family.as<Gpt2Family>().n_positions = 56; }),
              HasSubstr("model.n_positions: 56, expected at least 57 tokens for 3 points"));
  EXPECT_THAT(complaint([](RunConfig& c) { c.evaluation.every = 5; }),
              HasSubstr("evaluation.every: 5, expected 0"));
}

}  // namespace
}  // namespace icl
