// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "icl/models/regression_model.h"
#include "icl/models/s4.h"
#include "icl/runs/run_config.h"

namespace icl {
namespace {

const std::filesystem::path kConfigs = std::filesystem::path(ICL_SOURCE_DIR) / "configs";
constexpr const char* kFamilies[] = {"mamba", "gpt2", "s4", "rwkv4"};

TEST(PaperConfigs, AllOfThemLoad) {
  int64_t count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(kConfigs)) {
    if (entry.path().extension() != ".json" || entry.path().parent_path().filename() == "base") {
      continue;
    }
    EXPECT_NO_THROW(load_run_config(entry.path())) << entry.path();
    ++count;
  }
  EXPECT_GE(count, 28);
}

TEST(PaperConfigs, HoldThePublishedNumbers) {
  std::set<std::string> names;
  for (const char* function :
       {"linear_regression", "skewed_linear_regression", "sparse_linear_regression",
        "noisy_linear_regression", "random_quadrants", "relu_2nn_regression", "decision_tree"}) {
    for (const char* family : kFamilies) {
      const RunConfig config =
          load_run_config(kConfigs / "paper" / function / (std::string(family) + ".json"));
      SCOPED_TRACE(config.name);
      names.insert(config.name);
      const std::string folder = function;
      const bool far = folder == "relu_2nn_regression" || folder == "decision_tree";
      EXPECT_EQ(config.model.family.name(), family);
      EXPECT_EQ(config.training.steps, 500001);
      EXPECT_EQ(config.training.batch_size, 64);
      EXPECT_EQ(config.training.schedule.name, "cosine");
      EXPECT_EQ(config.training.grad_clip, 0);
      EXPECT_EQ(config.training.optimizer.lr, config.model.family.get_if<S4Family>() ? 1e-3 : 1e-4);
      EXPECT_EQ(config.training.curriculum.dims.start, 5);
      EXPECT_EQ(config.training.curriculum.dims.end, 20);
      EXPECT_EQ(config.training.curriculum.points.start, far ? 26 : 11);
      EXPECT_EQ(config.training.curriculum.points.end, far ? 101 : 41);
      EXPECT_EQ(config.training.curriculum.points.increment, far ? 5 : 2);
      EXPECT_EQ(config.task.n_dims, 20);
    }
  }
  EXPECT_EQ(names.size(), 28U);
}

TEST(PaperConfigs, AreAllOfMambasSize) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(kConfigs / "paper")) {
    if (entry.path().extension() != ".json") continue;
    const RunConfig config = load_run_config(entry.path());
    const RegressionModel model(config.model, config.task.n_dims, Initialization::kNone);
    EXPECT_GT(model.parameter_count(), 9'400'000) << entry.path();
    EXPECT_LT(model.parameter_count(), 10'600'000) << entry.path();
  }
}

TEST(PaperConfigs, HaveAnS4ThatIsNotHeldBack) {
  const auto load = [](const char* name) {
    return load_run_config(kConfigs / "paper" / "linear_regression" / name);
  };
  for (const char* name : {"s4_prenorm.json", "s4_dplr.json"}) {
    const RunConfig config = load(name);
    EXPECT_EQ(config.model.family.as<S4Family>().norm, "pre") << name;
    EXPECT_EQ(config.model.family.as<S4Family>().dropout, 0) << name;
    std::set<std::string> slow;
    for (const ParameterGroupConfig& group : config.training.optimizer.groups) {
      EXPECT_EQ(group.lr_factor, 0.1);
      slow.insert(group.match);
    }
    for (const char* part : {"kernel.log_dt", "kernel.log_A_real", "kernel.A_imag"}) {
      EXPECT_EQ(slow.count(part), 1U) << name << " " << part;
    }
    EXPECT_EQ(slow.count("kernel.B"),
              config.model.family.as<S4Family>().kernel == "dplr" ? 1U : 0U);
  }
  EXPECT_EQ(load("s4_prenorm.json").model.family.as<S4Family>().kernel, "diagonal");
  EXPECT_EQ(load("s4_dplr.json").model.family.as<S4Family>().kernel, "dplr");
  // The paper's own setting.
  EXPECT_EQ(load("s4.json").model.family.as<S4Family>().norm, "post");
  EXPECT_EQ(load("s4.json").model.family.as<S4Family>().dropout, 0.1);
  EXPECT_TRUE(load("s4.json").training.optimizer.groups.empty());
}

TEST(QuickstartConfigs, HaveOneOfEveryFamily) {
  for (const std::string& family : families().names()) {
    const RunConfig config = load_run_config(kConfigs / "quickstart" / (family + ".json"));
    EXPECT_EQ(config.model.family.name(), family);
    EXPECT_EQ(config.name, "quickstart_" + family);
    EXPECT_EQ(config.task.n_dims, 5);
  }
}

}  // namespace
}  // namespace icl
