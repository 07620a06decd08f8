// SPDX-License-Identifier: Apache-2.0
//
// Ten training steps of a tiny model of every family give the losses in golden_losses.txt: nothing
// between the seed and the optimizer has changed unnoticed.
//
// The same machine gives the same bits. The tolerance is for other CPUs, whose vector units sum
// in another order: ten steps carry a difference of 1e-7 to about 1e-5.
//
// After a change that is meant to change them:
//   ICL_WRITE_GOLDEN_LOSSES=1 build/bin/test_training --gtest_filter='GoldenLosses.*'
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include "icl/base/error.h"
#include "icl/models/model_config.h"
#include "icl/training/trainer.h"
#include "tests/support/small_models.h"

namespace icl {
namespace {

constexpr int64_t kSteps = 10;
constexpr double kTolerance = 1e-4;  // relative
const std::string kFile = std::string(ICL_SOURCE_DIR) + "/tests/training/golden_losses.txt";

using Losses = std::map<std::string, std::vector<double>>;  // by family

RunConfig tiny(const std::string& family) {
  RunConfig config;
  config.seed = 7;
  config.model = testing::small_model_config(family, 16, 2);
  config.task.n_dims = 3;
  config.training.steps = kSteps;
  config.training.batch_size = 8;
  config.training.optimizer.lr = 3e-3;
  config.training.schedule.warmup_steps = 2;
  config.training.grad_clip = 1.0;
  config.training.curriculum = {.dims = {.start = 2, .end = 3, .increment = 1, .interval = 4},
                                .points = {.start = 5, .end = 9, .increment = 2, .interval = 3}};
  return config;
}

Losses computed() {
  Losses losses;
  for (const std::string& family : families().names()) {
    const RunConfig config = tiny(family);
    Trainer trainer(config, make_objective(config, c10::kCPU), c10::kCPU);
    for (int64_t step = 0; step < kSteps; ++step) {
      losses[family].push_back(trainer.step(step, /*report=*/true)->loss);
    }
  }
  return losses;
}

std::string written(const Losses& losses) {
  std::string text =
      "# Losses of ten training steps of a tiny model of each family, from seed 7; what they are\n"
      "# of, and how to write them anew, stands at the top of golden_losses_test.cpp.\n# step";
  const auto cell = [](const char* format, auto value) {
    char buffer[32];
    std::snprintf(buffer, sizeof buffer, format, value);
    return std::string(buffer);
  };
  for (const auto& [family, values] : losses) text += cell(" %12s", family.c_str());
  for (int64_t step = 0; step < kSteps; ++step) {
    text += "\n" + cell("%6d", static_cast<int>(step));
    for (const auto& [family, values] : losses) {
      text += cell(" %12.8g", values[static_cast<size_t>(step)]);
    }
  }
  return text + "\n";
}

// The columns of the table; the last comment line names them.
Losses golden() {
  std::ifstream in(kFile);
  std::vector<std::string> names;
  Losses losses;
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string first;
    words >> first;
    if (first == "#") {
      names.clear();
      for (std::string name; words >> name;) names.push_back(name);
      continue;
    }
    for (size_t i = 1; i < names.size(); ++i) {
      double value = NAN;
      words >> value;
      losses[names[i]].push_back(value);
    }
  }
  return losses;
}

TEST(GoldenLosses, AreThoseOfTheFile) {
  const Losses now = computed();
  if (std::getenv("ICL_WRITE_GOLDEN_LOSSES") != nullptr) {
    std::ofstream(kFile) << written(now);
    GTEST_SKIP() << "wrote " << kFile;
  }
  const Losses then = golden();
  for (const auto& [family, values] : now) {
    const auto column = then.find(family);
    ASSERT_NE(column, then.end()) << kFile << " has no column " << family;
    ASSERT_EQ(column->second.size(), values.size()) << family;
    for (size_t step = 0; step < values.size(); ++step) {
      EXPECT_NEAR(values[step], column->second[step], kTolerance * column->second[step])
          << family << " at step " << step;
    }
  }
  EXPECT_EQ(then.size(), now.size());
}

}  // namespace
}  // namespace icl
