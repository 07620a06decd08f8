// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "icl/base/error.h"
#include "icl/config/config_tree.h"
#include "icl/io/files.h"
#include "icl/models/gpt2.h"
#include "icl/runs/run_config.h"
#include "tests/support/temp_folder.h"

namespace icl {
namespace {

using ::testing::HasSubstr;
using testing::message_of;
using ::testing::Not;
using testing::TempFolder;

std::filesystem::path file(const TempFolder& folder, const std::string& name,
                           const std::string& text) {
  write_file_synced(folder / name, text);
  return folder / name;
}

TEST(RunConfig, ReadsCommentsAndKeepsDefaults) {
  const TempFolder folder;
  const RunConfig config = load_run_config(file(folder, "a.json", R"({
    // a comment
    "name": "first", /* and another */
    "training": { "steps": 1e3, "optimizer": { "lr": 0.01 } }
  })"));
  EXPECT_EQ(config.name, "first");
  EXPECT_EQ(config.training.steps, 1000);
  EXPECT_EQ(config.training.optimizer.lr, 0.01);
  EXPECT_EQ(config.training.batch_size, 64);
}

TEST(RunConfig, ExtendsRelativeToTheFileAndItsOwnKeysWin) {
  const TempFolder folder;
  std::filesystem::create_directories(folder / "base");
  std::filesystem::create_directories(folder / "own");
  file(folder, "base/paper.json", R"({"seed": 7, "training": {"steps": 10, "batch_size": 3}})");
  const auto path =
      file(folder, "own/a.json", R"({"extends": "../base/paper.json", "training": {"steps": 20}})");
  const RunConfig config = load_run_config(path, {"training.batch_size=5"});
  EXPECT_EQ(config.seed, 7);
  EXPECT_EQ(config.training.steps, 20);
  EXPECT_EQ(config.training.batch_size, 5);
}

TEST(RunConfig, NamesTheCycleOfExtends) {
  const TempFolder folder;
  file(folder, "a.json", R"({"extends": "b.json"})");
  file(folder, "b.json", R"({"extends": "a.json"})");
  const std::string message = message_of([&] { load_run_config(folder / "a.json"); });
  EXPECT_THAT(message, HasSubstr("cycle"));
  EXPECT_THAT(message, HasSubstr("b.json -> "));
}

TEST(RunConfig, ReportsAllProblemsAtOnceWithPlaceAndNearestName) {
  const TempFolder folder;
  const auto path = file(folder, "a.json", R"({
  "model": { "family": "manba", "n_layers": 2 },
  "training": {
    "steps": "many",
    "batch_size": 0,
    "lr": 0.1
  }
})");
  const std::string message = message_of([&] {
    load_run_config(path, {"task.noise=1", "seed=-1"});
  });
  EXPECT_THAT(message, HasSubstr("7 problems"));
  EXPECT_THAT(message, HasSubstr("a.json:2: model.family: got \"manba\", expected one of "));
  EXPECT_THAT(message, HasSubstr("did you mean 'mamba'?"));
  EXPECT_THAT(message, HasSubstr("a.json:2: model.n_layers: unknown key; did you mean 'n_layer'?"));
  EXPECT_THAT(
      message,
      HasSubstr("a.json:4: training.steps: got \"many\", expected an integer >= 1 (default "));
  EXPECT_THAT(message, HasSubstr("a.json:5: training.batch_size: got 0, expected an integer >= 1"));
  EXPECT_THAT(message, HasSubstr("a.json:6: training.lr: unknown key; did you mean "
                                 "'training.optimizer.lr'?"));
  EXPECT_THAT(message, HasSubstr("--set task.noise=1: task.noise: unknown key"));
  EXPECT_THAT(message, HasSubstr("--set seed=-1: seed: got -1, expected an integer >= 0"));
}

TEST(RunConfig, SaysWhenAKeyWouldApply) {
  const std::string message = message_of([&] {
    read_run_config(ConfigTree::from_text(R"({"model": {"family": "gpt2", "d_state": 4}})", "x"));
  });
  EXPECT_THAT(message, HasSubstr("x:1: model.d_state: applies only when model.family is mamba, "
                                 "mambaformer or s4"));
}

TEST(RunConfig, AnotherFamilyLeavesTheInheritedKeysBehind) {
  const TempFolder folder;
  file(folder, "mamba.json", R"({"model": {"family": "mamba", "d_model": 8, "d_state": 4}})");
  const auto own =
      file(folder, "own.json", R"({"extends": "mamba.json", "model": {"family": "rwkv4"}})");
  EXPECT_EQ(load_run_config(own).model.family.name(), "rwkv4");
  EXPECT_EQ(load_run_config(own).model.d_model, 8);
  const RunConfig set = load_run_config(folder / "mamba.json", {"model.family=gpt2"});
  EXPECT_EQ(set.model.family.name(), "gpt2");
  EXPECT_EQ(load_run_config(folder / "mamba.json", {R"(model={"family": "gpt2", "n_head": 2})"})
                .model.family.as<Gpt2Family>()
                .n_head,
            2);
}

TEST(RunConfig, TheOldSpellingOfTokensIsRefusedWithTheNewOne) {
  const std::string message = message_of([&] {
    read_run_config(ConfigTree::from_text("{\n\"task\": {\"function\": \"language\"}}", "x"));
  });
  EXPECT_THAT(message, HasSubstr("x:2: task.function: \"language\" is written \"objective\": "
                                 "\"tokens\", \"tokens\": { \"task\": \"demonstrations\" }"));
}

TEST(RunConfig, TheObjectiveDecidesWhichGroupThereIs) {
  const RunConfig tokens = read_run_config(ConfigTree::from_text(
      R"({"objective": "tokens", "training": {"curriculum": {"points": {"start": 3, "end": 9}}}})",
      "x"));
  EXPECT_EQ(tokens.tokens.task.name(), "demonstrations");
  EXPECT_THAT(run_config_text(tokens), Not(HasSubstr("\"function\"")));
  EXPECT_THAT(message_of([&] { read_run_config(ConfigTree::from_text(R"({"tokens": {}})", "x")); }),
              HasSubstr("x:1: tokens: applies only when objective is tokens"));
}

TEST(RunConfig, RefusesNamesThatArePaths) {
  for (const char* name : {"../../up", "/tmp/a", "..", ".", "", "a/b"}) {
    ConfigTree tree;
    tree.set("name=" + nlohmann::json(name).dump());
    EXPECT_THAT(message_of([&] { read_run_config(tree); }),
                HasSubstr("expected the name of a folder"))
        << name;
  }
}

TEST(RunConfig, RefusesTextThatIsNotJson) {
  const auto read = [](const std::string& text) {
    return message_of([&] { read_run_config(ConfigTree::from_text(text, "x")); });
  };
  EXPECT_THAT(read("{\n  \"seed\": ,\n}"), HasSubstr("x:2:11: not valid JSON"));
  EXPECT_THAT(read("[1]"), HasSubstr("expected a JSON object"));
  EXPECT_THAT(read("{\"seed\": 1,\n\"seed\": 2}"), HasSubstr("x:2: seed is given a second time"));
  EXPECT_THAT(read("{\"model\": 3}"), HasSubstr("x:1: model: got 3, expected an object"));
}

TEST(RunConfig, ChecksKeysAgainstEachOther) {
  const std::string message = message_of([&] {
    read_run_config(ConfigTree::from_text(
        R"({"model": {"family": "gpt2", "d_model": 10, "n_head": 4}, "task": {"n_dims": 5}})",
        "x"));
  });
  EXPECT_THAT(message, HasSubstr("x:1: model.n_head: 4 does not divide model.d_model (10)"));
  EXPECT_THAT(
      message_of([&] {
        read_run_config(ConfigTree::from_text(
            R"({"model": {"family": "s4", "d_state": 7}, "seed": -1,
                        "task": {"num_tasks": 3, "num_training_examples": 5},
                        "training": {"curriculum": {"points": {"start": 9, "end": 5}},
                                     "optimizer": {"groups": [{"lr_factor": 2}]}}})",
            "x"));
      }),
      ::testing::AllOf(HasSubstr("5 problems"), HasSubstr("model.d_state: 7, expected an even"),
                       HasSubstr("seed: got -1"), HasSubstr("task.num_tasks: 3, expected 0"),
                       HasSubstr("training.curriculum.points.start: 9, expected at most"),
                       HasSubstr("training.optimizer.groups.0.match: empty or missing"),
                       HasSubstr("x:2: ")));
  EXPECT_THAT(message,
              HasSubstr("training.curriculum.dims.end: 20, expected at most task.n_dims (5)"));
}

TEST(RunConfig, RefusesAssignmentsThatLeadNowhere) {
  ConfigTree tree = ConfigTree::from_text(R"({"seed": 1})", "x");
  EXPECT_THAT(message_of([&] { tree.set("steps"); }), HasSubstr("expected path=value"));
  EXPECT_THAT(message_of([&] { tree.set("seed.a=1"); }), HasSubstr("nothing at 'seed.a'"));
}

TEST(RunConfig, EffectiveConfigReadsBackAsItself) {
  const RunConfig config = read_run_config(ConfigTree::from_text(
      R"({"model": {"family": "gpt2"}, "training": {"optimizer": {"groups": [{"match": "dt"}]}}})",
      "x"));
  const std::string text = run_config_text(config);
  EXPECT_EQ(run_config_text(read_run_config(ConfigTree::from_text(text, "y"))), text);
  EXPECT_THAT(text, Not(HasSubstr("d_state")));
  EXPECT_THAT(text, HasSubstr("\"match\": \"dt\""));
}

TEST(RunConfig, DescribesEveryKeyOnce) {
  RunConfig config;
  const std::string table = table_of_fields([&](Fields& f) { config.describe(f); });
  EXPECT_THAT(table, HasSubstr("training.steps"));
  EXPECT_THAT(table, HasSubstr("500001"));
  EXPECT_THAT(table, HasSubstr("training.optimizer.groups.N.lr_factor"));
  EXPECT_THAT(table, HasSubstr("(only when model.family is gpt2)"));
  EXPECT_EQ(table.find("training.optimizer.eps"), table.rfind("training.optimizer.eps"));
}

TEST(RunConfig, ResumingAllowsMoreStepsAndRefusesAnotherModel) {
  RunConfig config;
  const RunConfig then = config;
  config.training.steps = 7;
  config.training.log_every = 3;
  config.device = "cpu";
  EXPECT_EQ(message_of([&] { check_resumable(then, config); }), "");
  config.model.n_layer = 2;
  config.training.optimizer.lr = 0.5;
  const std::string message = message_of([&] { check_resumable(then, config); });
  EXPECT_THAT(message, HasSubstr("model.n_layer: 24 -> 2"));
  EXPECT_THAT(message, HasSubstr("training.optimizer.lr: 0.0001 -> 0.5"));
  EXPECT_THAT(message, Not(HasSubstr("log_every:")));
}

// Random damage of a valid config ends in a config or in a UsageError, never otherwise.
TEST(RunConfig, SurvivesDamagedText) {
  const std::string text = run_config_text(RunConfig());
  for (size_t i = 0; i < text.size(); ++i) {
    for (const char c : {'\0', '"', '{', ']', '9', ','}) {
      std::string damaged = text;
      damaged[i] = c;
      try {
        read_run_config(ConfigTree::from_text(damaged, "x"));
      } catch (const UsageError&) {
      }
    }
  }
}

// Parsing has a stack of its own, what reads the values has not.
TEST(RunConfig, RefusesBracketsTooDeepForTheStack) {
  const std::string text = "{\"a\": " + std::string(200000, '[') + std::string(200000, ']') + "}";
  EXPECT_THAT(message_of([&] { ConfigTree::from_text(text, "deep.json"); }),
              HasSubstr("deep.json:1:1006: brackets nest more than 1000 deep"));
}

}  // namespace
}  // namespace icl
