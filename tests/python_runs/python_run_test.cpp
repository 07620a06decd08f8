// SPDX-License-Identifier: Apache-2.0
#include "icl/python_runs/python_run.h"

#include "icl/models/gpt2.h"
#include "icl/models/s4.h"
#include "icl/tasks/rotated_inputs.h"
#include "icl/tasks/sparse_linear_regression.h"

#include <gmock/gmock.h>

#include "icl/base/error.h"
#include "icl/base/text.h"
#include "tests/support/compare.h"
#include "tests/support/python_folder.h"
#include "tests/support/temp_folder.h"

namespace icl {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::message_of;
using ::testing::Not;
using testing::python_gpt2;
using testing::python_mamba;
using testing::python_s4;
using testing::PythonFolder;
using testing::relative_error;
using testing::TempFolder;

void expect_the_same_predictions(const PythonFolder& original, const PythonRun& run) {
  ASSERT_FALSE(run.models.empty());
  at::manual_seed(5);
  const at::Tensor xs = at::randn({4, 11, 3});
  const at::Tensor ys = at::randn({4, 11});
  const at::NoGradGuard no_grad;
  const at::Tensor expected = original.predict(xs, ys);
  EXPECT_GT(expected.std().item<double>(), 0.1);  // that do depend on the prompt
  EXPECT_LT(relative_error(run.models.back().model->predict(xs, ys), expected), 1e-5);
}

// The message of refusing to import what `change` makes of a folder.
template <class Change>
std::string refusal(PythonFolder original, const Change& change) {
  const TempFolder folder;
  change(original);
  original.write(folder.path(), 7);
  return message_of([&] { read_python_run(folder.path()); });
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(PythonRun, PredictsAsGpt2WithoutPositionsDoes) {
  const TempFolder folder;
  const PythonFolder original = python_gpt2(/*learned=*/false);
  original.write(folder.path(), 500000);
  const PythonRun run = read_python_run(folder.path());
  expect_the_same_predictions(original, run);
  EXPECT_EQ(run.config.model.family.as<Gpt2Family>().positions, "none");
  EXPECT_EQ(run.models.back().step, 500000);
  EXPECT_THAT(
      run.models.back().unused,
      ::testing::UnorderedElementsAre("_backbone.wte.weight", "_backbone.wpe.weight",
                                      "_backbone.h.0.attn.bias", "_backbone.h.0.attn.masked_bias",
                                      "_backbone.h.1.attn.bias", "_backbone.h.1.attn.masked_bias"));
  EXPECT_THAT(run.warnings, IsEmpty());
}

TEST(PythonRun, PredictsAsGpt2WithLearnedPositionsDoes) {
  const TempFolder folder;
  const PythonFolder original = python_gpt2(/*learned=*/true);
  original.write(folder.path(), 500000);
  const PythonRun run = read_python_run(folder.path());
  expect_the_same_predictions(original, run);
  EXPECT_EQ(run.config.model.family.as<Gpt2Family>().positions, "learned");
  EXPECT_EQ(run.config.model.family.as<Gpt2Family>().n_positions, 22);
  EXPECT_EQ(run.config.training.schedule.name, "constant");
  EXPECT_THAT(run.warnings, IsEmpty());
}

TEST(PythonRun, PredictsAsMambaDoesAndLooksThroughAWrapper) {
  const TempFolder folder;
  PythonFolder original = python_mamba();
  original.prefix = "module.";
  original.write(folder.path(), 9);
  const PythonRun run = read_python_run(folder.path());
  expect_the_same_predictions(original, run);
  EXPECT_THAT(run.models.back().unused, IsEmpty());
  EXPECT_THAT(run.warnings, IsEmpty());
}

TEST(PythonRun, PredictsAsS4DDoes) {
  const TempFolder folder;
  const PythonFolder original = python_s4();
  original.write(folder.path(), 9);
  const PythonRun run = read_python_run(folder.path());
  expect_the_same_predictions(original, run);
  EXPECT_EQ(run.config.model.family.as<S4Family>().dropout, 0.1);
  EXPECT_EQ(run.config.model.family.as<S4Family>().norm, "post");
  EXPECT_THAT(run.warnings, IsEmpty());
}

TEST(PythonRun, KeepsPositionsThatAreNotZeroWhateverTheConfigSays) {
  const TempFolder folder;
  PythonFolder original = python_gpt2(/*learned=*/true);
  original.config = python_gpt2(/*learned=*/false).config;
  original.write(folder.path(), 1);
  const PythonRun run = read_python_run(folder.path());
  expect_the_same_predictions(original, run);
  EXPECT_THAT(run.warnings, ElementsAre(HasSubstr("model.remove_pos_embedding is true, but")));
}

TEST(PythonRun, TakesTheWholeConfigOver) {
  const TempFolder folder;
  PythonFolder original = python_mamba();
  original.config = replaced(original.config, "task: linear_regression\n  task_kwargs: {}",
                             "task: sparse_linear_regression\n  task_kwargs:\n    sparsity: 2");
  original.config = replaced(original.config, "data: gaussian", "data: skewed_gaussian");
  original.config = replaced(original.config, "data_kwargs: {}", "data_kwargs:\n    exp: 1.5");
  original.write(folder.path(), 0);
  const RunConfig config = read_python_run(folder.path()).config;
  EXPECT_EQ(config.seed, 2);
  EXPECT_EQ(config.model.d_model, 8);
  EXPECT_EQ(config.model.n_layer, 2);
  EXPECT_EQ(config.task.function.as<SparseLinearRegression>().sparsity, 2);
  EXPECT_EQ(config.task.n_dims, 3);
  EXPECT_EQ(config.task.num_tasks, 0);
  EXPECT_EQ(config.task.inputs.distribution.as<SkewedInputs>().exponent, 1.5);
  EXPECT_EQ(config.training.steps, 500001);
  EXPECT_EQ(config.training.batch_size, 64);
  EXPECT_EQ(config.training.optimizer.lr, 1e-4);
  EXPECT_EQ(config.training.schedule.name, "cosine");
  EXPECT_EQ(config.training.checkpoint_every, 1000);
  EXPECT_EQ(config.training.keep_every, 100000);
  EXPECT_EQ(config.training.log_every, 100);
  EXPECT_EQ(config.training.curriculum.dims.start, 2);
  EXPECT_EQ(config.training.curriculum.dims.increment, 1);
  EXPECT_EQ(config.training.curriculum.points.end, 11);
  EXPECT_EQ(config.training.curriculum.points.interval, 2000);
}

TEST(PythonRun, TheNewestWeightsWin) {
  const TempFolder folder;
  const PythonFolder original = python_mamba();
  const auto newest = [&] { return read_python_run(folder.path()).models.back(); };
  original.write_model(folder.path(), 20);
  EXPECT_EQ(newest().step, 20);
  original.write_model(folder.path(), 100);
  EXPECT_EQ(newest().step, 100);
  original.write(folder.path(), 30);
  EXPECT_EQ(newest().file.filename(), "model_100.pt");
  original.write(folder.path(), 100);
  EXPECT_EQ(newest().file.filename(), "state.pt");
  original.write(folder.path(), 140);
  EXPECT_EQ(newest().step, 140);
  std::ofstream(folder / "model_best_ema_last_loss.pt") << "not looked at";
  const PythonRun all = read_python_run(folder.path(), PythonModels::kAll);
  std::vector<int64_t> steps;
  for (const PythonModel& model : all.models) steps.push_back(model.step);
  EXPECT_THAT(steps, ElementsAre(20, 100, 140));
}

TEST(PythonRun, NamesEveryTensorThatDoesNotFitWithTheNearestName) {
  const std::string message = refusal(python_gpt2(false), [](PythonFolder& original) {
    auto& w = original.weights;
    w["_backbone.h.1.attn.c_prj.bias"] = w["_backbone.h.1.attn.c_proj.bias"];
    w.erase("_backbone.h.1.attn.c_proj.bias");
    w["_backbone.h.0.mlp.c_fc.weight"] = at::zeros({32, 8});
    w["_read_out.bias"] = at::zeros({1}, at::kLong);
    w["something.else"] = at::zeros({2, 2});
  });
  EXPECT_THAT(message, HasSubstr("missing: _backbone.h.1.attn.c_proj.bias [8]; the nearest there "
                                 "is '_backbone.h.1.attn.c_prj.bias'"));
  EXPECT_THAT(message, HasSubstr("unknown: _backbone.h.1.attn.c_prj.bias [8]; did you mean "
                                 "'_backbone.h.1.attn.c_proj.bias'?"));
  EXPECT_THAT(message, HasSubstr("misshapen: _backbone.h.0.mlp.c_fc.weight is [32, 8], expected "
                                 "[8, 32] (M x 4M, M = model.n_embd = 8)"));
  EXPECT_THAT(message, HasSubstr("wrong type: _read_out.bias holds int64"));
  EXPECT_THAT(message, HasSubstr("unknown: something.else [2, 2]"));
  EXPECT_THAT(message, HasSubstr("state.pt: "));
}

TEST(PythonRun, EveryTensorOfEveryFamilyIsNeededAndMustHaveItsShape) {
  for (const PythonFolder& original :
       {python_gpt2(true), python_gpt2(false), python_mamba(), python_s4()}) {
    for (const auto& [name, tensor] : original.weights) {
      const bool unused =
          name.ends_with("wte.weight") || name.ends_with(".attn.bias") ||
          name.ends_with("masked_bias") ||
          (name.ends_with("wpe.weight") && original.config.find("remove_pos") != std::string::npos);
      const std::string without =
          refusal(original, [&, key = name](PythonFolder& changed) { changed.weights.erase(key); });
      const std::string longer = refusal(original, [&, key = name](PythonFolder& changed) {
        at::Tensor& weight = changed.weights[key];
        weight = at::cat({weight.flatten(), at::zeros({1}, weight.options())});
      });
      EXPECT_THAT(without, unused ? ::testing::Matcher<std::string>(IsEmpty())
                                  : HasSubstr("missing: " + name + " "));
      EXPECT_THAT(longer, unused ? ::testing::Matcher<std::string>(IsEmpty())
                                 : HasSubstr("misshapen: " + name + " "));
    }
  }
}

TEST(PythonRun, ListsWhatTheConfigLacksOrHasWrongAtOnce) {
  const std::string message = refusal(python_gpt2(false), [](PythonFolder& original) {
    std::string& config = original.config;
    config = replaced(config, "family: gpt2", "family: lstm");
    config = replaced(config, "  n_embd: 8\n", "  n_emb: 8\n");
    config = replaced(config, "task: linear_regression", "task: linear_regresion");
    config = replaced(config, "learning_rate_schedule: cosine", "learning_rate_schedule: linear");
    config = replaced(config, "batch_size: 64", "batch_size: many");
  });
  EXPECT_THAT(message, HasSubstr("config.yaml:2: model.family: got \"lstm\", expected one of gpt2, "
                                 "mamba, s4"));
  EXPECT_THAT(message, HasSubstr("model.n_embd: missing, expected an integer >= 1; there is "
                                 "'model.n_emb'"));
  EXPECT_THAT(message, HasSubstr("did you mean 'linear_regression'?"));
  EXPECT_THAT(
      message,
      HasSubstr("training.learning_rate_schedule: got \"linear\", expected one of constant, "
                "cosine"));
  EXPECT_THAT(message, HasSubstr("training.batch_size: got \"many\", expected an integer >= 1"));
}

TEST(PythonRun, WarnsOfKeysThatItDoesNotKnow) {
  const TempFolder folder;
  PythonFolder original = python_mamba();
  original.config = replaced(original.config, "  n_layer: 2\n", "  n_layer: 2\n  n_layers: 3\n");
  original.config += "extra:\n  a: 1\n  b: 2\n";
  original.write(folder.path(), 0);
  EXPECT_THAT(read_python_run(folder.path()).warnings,
              ElementsAre(AllOf(HasSubstr("config.yaml:6: model.n_layers is not known"),
                                HasSubstr("did you mean 'model.n_layer'?")),
                          HasSubstr("extra is not known")));
}

TEST(PythonRun, WarnsOfWeightsThatDiverged) {
  const TempFolder folder;
  PythonFolder original = python_mamba();
  original.weights["_backbone.lm_head.bias"] = at::full({1}, std::nan(""));
  original.write(folder.path(), 0);
  EXPECT_THAT(read_python_run(folder.path()).warnings,
              ElementsAre(HasSubstr("_backbone.lm_head.bias holds numbers that are not finite")));
}

TEST(PythonRun, SaysWhatIsMissingOrDamaged) {
  const TempFolder folder;
  const auto message = [&] { return message_of([&] { read_python_run(folder.path()); }); };
  EXPECT_THAT(message(), AllOf(HasSubstr("config.yaml"), HasSubstr("neither state.pt nor")));
  EXPECT_THAT(message_of([&] { read_python_run(folder / "none"); }),
              HasSubstr("there is no such folder"));
  const PythonFolder original = python_mamba();
  original.write(folder.path(), 0);
  const auto whole = std::filesystem::file_size(folder / "state.pt");
  std::filesystem::resize_file(folder / "state.pt", whole / 2);
  EXPECT_THAT(message(), HasSubstr("state.pt"));
  testing::write_torch_file(folder / "state.pt", PickleValue::dict({{"weights", 1}}));
  EXPECT_THAT(message(), AllOf(HasSubstr("state.pt"), HasSubstr("train_step")));
  testing::write_torch_file(
      folder / "state.pt",
      PickleValue::dict(
          {{"train_step", 1}, {"model_state_dict", PickleValue::dict({{"a", "text"}})}}));
  EXPECT_THAT(message(), HasSubstr("expected a state dict of named tensors, found a string under "
                                   "'a'"));
  original.write(folder.path(), 0);
  EXPECT_EQ(message(), "");
  std::ofstream(folder / "config.yaml") << "- model\n";
  EXPECT_THAT(message(), HasSubstr("holds no keys"));
  std::ofstream(folder / "config.yaml") << "model: 3\ntraining: [1]\n";
  EXPECT_THAT(message(), HasSubstr("model.family: missing"));
  std::ofstream(folder / "config.yaml") << "model: {family: mamba\n";
  EXPECT_THAT(message(), AllOf(HasSubstr("config.yaml"), HasSubstr("line")));
}

TEST(PythonRun, DoesNotAllocateWhatAConfigMakesUp) {
  const std::string message = refusal(python_mamba(), [](PythonFolder& original) {
    original.config = replaced(original.config, "n_embd: 8", "n_embd: 50000000");
    original.config = replaced(original.config, "n_layer: 2", "n_layer: 300");
  });
  EXPECT_THAT(message, AllOf(HasSubstr("misshapen"), HasSubstr("and "), HasSubstr(" more")));
}

}  // namespace
}  // namespace icl
