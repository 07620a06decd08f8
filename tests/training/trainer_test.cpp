// SPDX-License-Identifier: Apache-2.0
#include "icl/training/trainer.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <random>

#include "icl/base/error.h"
#include "icl/base/log.h"
#include "icl/io/files.h"
#include "icl/io/manifest.h"
#include "icl/runs/loaded_run.h"
#include "tests/support/small_models.h"
#include "tests/support/temp_folder.h"

namespace icl {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::message_of;
using testing::TempFolder;

RunConfig tiny(const std::string& family = "gpt2") {
  RunConfig config;
  config.seed = 3;
  config.model = testing::small_model_config(family, 8, 1, /*d_state=*/2);
  config.task.n_dims = 3;
  config.training.steps = 12;
  config.training.batch_size = 4;
  config.training.optimizer.lr = 1e-2;
  config.training.curriculum = {.dims = {.start = 2, .end = 3, .increment = 1, .interval = 4},
                                .points = {.start = 3, .end = 6, .increment = 1, .interval = 3}};
  config.training.log_every = 2;
  config.training.checkpoint_every = 3;
  return config;
}

TrainingOutcome run(const RunConfig& config, const fs::path& folder, bool resume = false,
                    const TrainingHooks& hooks = {}) {
  RunWriter writer(folder, config, resume);
  Trainer trainer(config, make_objective(config, c10::kCPU), c10::kCPU);
  if (writer.resuming()) trainer.resume_from(writer.folder().find_checkpoint());
  writer.begin(trainer.next_step() - 1, {{"threads", 1}});
  return trainer.run(writer, hooks);
}

// Names and bytes of a checkpoint.
std::map<std::string, std::string> contents(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    files[entry.path().filename().string()] = read_file(entry.path());
  }
  return files;
}

std::vector<nlohmann::json> metrics(const fs::path& run) {
  std::vector<nlohmann::json> lines;
  std::ifstream in(run / "metrics.jsonl");
  for (std::string line; std::getline(in, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

TEST(Trainer, WritesMetricsCheckpointsAndTheRunsRecord) {
  const TempFolder folder;
  const fs::path path = folder / "run";
  EXPECT_EQ(run(tiny(), path).steps_done, 12);
  const auto lines = metrics(path);
  ASSERT_EQ(lines.size(), 7U);  // steps 0, 2, ..., 10 and the last
  EXPECT_EQ(lines[0]["step"], 0);
  EXPECT_EQ(lines[0]["n_points"], 3);
  EXPECT_EQ(lines[0]["n_dims"], 2);
  EXPECT_EQ(lines[6]["step"], 11);
  EXPECT_EQ(lines[6]["n_points"], 6);
  EXPECT_EQ(lines[6]["errors"].size(), 6U);
  double mean = 0;
  for (const double error : lines[6]["errors"]) mean += error / 6;
  EXPECT_NEAR(lines[6]["loss"], mean, 1e-5 * mean);
  EXPECT_EQ(RunFolder(path).checkpoint_steps(), (std::vector<int64_t>{9, 12}));
  EXPECT_EQ(fs::read_symlink(path / "checkpoints" / "latest"), "step_00000012");
  EXPECT_EQ(load_run(path).config.model.d_model, 8);
}

TEST(Trainer, TwoRunsOfOneSeedAreEqualToTheByteAndOthersAreNot) {
  const TempFolder folder;
  for (const char* name : {"a", "b"}) run(tiny("mamba"), folder / name);
  RunConfig other = tiny("mamba");
  other.seed = 4;
  run(other, folder / "c");
  const auto at = [&](const char* name) {
    return contents(RunFolder(folder / name).checkpoint(12));
  };
  EXPECT_EQ(at("a"), at("b"));
  EXPECT_NE(at("a")["model.safetensors"], at("c")["model.safetensors"]);
}

TEST(Trainer, StoppedByASignalItSavesAndResumesToTheSameBytes) {
  const TempFolder folder;
  const RunConfig config = tiny("mamba");
  run(config, folder / "whole");
  for (int64_t stop = 1; stop < 12; stop += 2) {
    const fs::path path = folder / str("stopped", stop);
    int64_t done = 0;
    TrainingHooks hooks;
    hooks.on_step = [&](int64_t steps, const auto&) { done = steps; };
    hooks.stop_signal = [&] { return done == stop ? SIGTERM : 0; };
    const TrainingOutcome outcome = run(config, path, false, hooks);
    EXPECT_EQ(outcome.signal, SIGTERM);
    EXPECT_EQ(RunFolder(path).checkpoint_steps().back(), stop);
    run(config, path, /*resume=*/true);
    EXPECT_EQ(contents(RunFolder(path).checkpoint(12)),
              contents(RunFolder(folder / "whole").checkpoint(12)))
        << "stopped after " << stop;
    EXPECT_EQ(metrics(path).size(), metrics(folder / "whole").size());
  }
}

TEST(Trainer, AStartKilledBeforeItsConfigWasWrittenCanBeRepeated) {
  for (const bool resume : {true, false}) {
    const TempFolder folder;
    fs::create_directories(folder / "run/checkpoints");
    std::ofstream(folder / "run/config.json.tmp-7") << "{";
    EXPECT_EQ(run(tiny(), folder / "run", resume).steps_done, 12);
    fs::create_directories(folder / "notes");
    std::ofstream(folder / "notes/today.txt") << "mine";
    EXPECT_THAT(message_of([&] { run(tiny(), folder / "notes", resume); }),
                HasSubstr("is not empty and holds no run"));
  }
}

// kill -9 at random moments, over and over, until the run ends by itself.
TEST(Trainer, KilledAtRandomMomentsItEndsWithTheSameBytes) {
  at::set_num_threads(1);  // a child has none of its parent's threads, and would wait for them
  const TempFolder folder;
  RunConfig config = tiny();
  config.training.steps = 40;
  config.training.checkpoint_every = 2;
  config.evaluation.every = 5;
  config.evaluation.prompts = 8;
  const auto start = std::chrono::steady_clock::now();
  run(config, folder / "whole");
  const auto whole_us = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - start);
  // However fast the machine, no start has the time to finish before several were killed.
  const auto longest_us = std::max<int64_t>(whole_us.count() / 10, 1000);
  std::mt19937 random(7);
  int kills = 0;
  const fs::path path = folder / "killed";
  for (bool ended = false; !ended && kills < 200;) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      try {
        run(config, path, /*resume=*/true);
        ::_exit(0);
      } catch (...) {
        ::_exit(1);
      }
    }
    ::usleep(static_cast<useconds_t>(random() % longest_us));
    if (kills < 30) ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    ended = WIFEXITED(status);
    EXPECT_TRUE(!ended || WEXITSTATUS(status) == 0);
    kills += ended ? 0 : 1;
  }
  EXPECT_GT(kills, 3);
  EXPECT_EQ(contents(RunFolder(path).checkpoint(40)),
            contents(RunFolder(folder / "whole").checkpoint(40)));
  for (const auto& entry : fs::directory_iterator(path / "checkpoints")) {
    EXPECT_NE(entry.path().filename().string().front(), '.') << "left behind: " << entry.path();
  }
}

TEST(Trainer, StopsAtANonFiniteLossAndKeepsTheLastGoodCheckpoint) {
  const TempFolder folder;
  RunConfig config = tiny();
  config.training.optimizer.lr = 1e30;
  const std::string message = message_of([&] { run(config, folder / "run"); });
  EXPECT_THAT(message, HasSubstr("training diverged at step "));
  EXPECT_THAT(message, HasSubstr("is not finite"));
  for (const int64_t step : RunFolder(folder / "run").checkpoint_steps()) {
    const SafetensorsFile file(RunFolder(folder / "run").checkpoint(step) / "model.safetensors");
    for (const std::string& name : file.names()) {
      EXPECT_TRUE(at::isfinite(file.tensor(name)).all().item<bool>()) << name;
    }
  }
}

TEST(Trainer, KeepsMilestonesAndTheNewest) {
  const TempFolder folder;
  RunConfig config = tiny();
  config.training.checkpoint_every = 1;
  config.training.keep_every = 5;
  config.training.keep_last = 1;
  run(config, folder / "run");
  EXPECT_EQ(RunFolder(folder / "run").checkpoint_steps(), (std::vector<int64_t>{5, 10, 12}));
}

TEST(Trainer, PassesOverADamagedCheckpointAndNamesTheFile) {
  const TempFolder folder;
  run(tiny(), folder / "run");
  const fs::path file = RunFolder(folder / "run").checkpoint(12) / "model.safetensors";
  std::string bytes = read_file(file);
  for (size_t i = 0; i < 64; ++i) {
    std::string damaged = bytes;
    char& byte = damaged[damaged.size() * i / 64];
    byte = static_cast<char>(byte ^ 4);
    write_file_synced(file, damaged);
    EXPECT_THAT(message_of([&] { RunFolder(folder / "run").find_checkpoint("12"); }),
                HasSubstr("model.safetensors': damaged"));
  }
  set_log_level("error");
  EXPECT_EQ(RunFolder(folder / "run").find_checkpoint().step, 9);
  set_log_level("info");
  EXPECT_THAT(message_of([&] { RunFolder(folder / "run").find_checkpoint("5"); }),
              HasSubstr("there is no checkpoint of step 5; there are: 9, 12"));
}

TEST(Trainer, RefusesForeignFoldersAndChangedConfigs) {
  const TempFolder folder;
  write_file_synced(folder / "notes.txt", "mine");
  EXPECT_THAT(message_of([&] { RunWriter(folder.path(), tiny(), false); }),
              HasSubstr("is not empty and holds no run"));
  run(tiny(), folder / "run");
  EXPECT_THAT(message_of([&] { RunWriter(folder / "run", tiny(), false); }), HasSubstr("--resume"));
  RunConfig changed = tiny();
  changed.training.batch_size = 5;
  EXPECT_THAT(message_of([&] { RunWriter(folder / "run", changed, true); }),
              HasSubstr("training.batch_size: 4 -> 5"));
  changed = tiny();
  changed.training.steps = 5;
  EXPECT_THAT(message_of([&] { RunWriter(folder / "run", changed, true); }),
              HasSubstr("has done 12 already"));
  write_file_synced(folder / "run/run.json.tmp-123", "{");
  { const RunWriter writer(folder / "run", tiny(), true); }
  EXPECT_FALSE(fs::exists(folder / "run/run.json.tmp-123"));
}

}  // namespace
}  // namespace icl
