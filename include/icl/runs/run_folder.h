// SPDX-License-Identifier: Apache-2.0
//
// A run folder: the names of everything in it, and its checkpoints. No other room spells a file
// name of a run.
//
//   runs/NAME/
//     config.json        the effective config, every default filled in
//     run.json           versions, device, threads; starts and stops with their reasons
//     metrics.jsonl      one object per logged step
//     checkpoints/step_00001000/{model.safetensors, optimizer.safetensors, state.json,
//     MANIFEST.json} checkpoints/latest, best     links to two of them eval/ probe/       results
//     hf/   a trained language model        report.html
//
//   icl::RunFolder folder("runs/a");
//   const icl::Checkpoint checkpoint = folder.find_checkpoint("latest");
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace icl {

struct Checkpoint {
  std::filesystem::path path;
  int64_t step = 0;      // optimizer steps done
  std::string checksum;  // identifies the contents

  std::filesystem::path weights() const { return path / "model.safetensors"; }
  std::filesystem::path optimizer() const { return path / "optimizer.safetensors"; }
  std::filesystem::path state() const { return path / "state.json"; }
};

// The model whose evaluation on the side was best so far.
struct BestStep {
  int64_t step = 0;
  double error = 0;
};

// state.json of a checkpoint.
struct TrainingState {
  int64_t step = 0;
  std::optional<BestStep> best;
  bool evaluation_missing = false;      // a stop came before the side evaluation of this step
  std::optional<std::string> imported;  // the file that the weights were imported from

  nlohmann::ordered_json to_json() const;
  // Throws DataError for a file that is missing, damaged, or of a newer version.
  static TrainingState read(const Checkpoint& checkpoint);
};

class RunFolder {
 public:
  explicit RunFolder(std::filesystem::path path) : path_(std::move(path)) {}

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path config() const { return path_ / "config.json"; }
  std::filesystem::path record() const { return path_ / "run.json"; }
  std::filesystem::path metrics() const { return path_ / "metrics.jsonl"; }
  std::filesystem::path checkpoints() const { return path_ / "checkpoints"; }
  std::filesystem::path checkpoint(int64_t step) const;  // checkpoints/step_00001000
  std::filesystem::path link(const std::string& name) const { return checkpoints() / name; }
  std::filesystem::path evaluations() const { return path_ / "eval"; }
  std::filesystem::path probes() const { return path_ / "probe"; }
  std::filesystem::path language_model() const { return path_ / "hf"; }
  std::filesystem::path report() const { return path_ / "report.html"; }

  // Whether there is a run: a config and the folder of a checkpoint. A config alone is what a start
  // leaves that failed before its first checkpoint.
  bool holds_run() const;
  // Steps that have a checkpoint folder, ascending; whether these are whole is not checked.
  std::vector<int64_t> checkpoint_steps() const;
  // `which`: "latest", "best" or a step. A damaged latest checkpoint is passed over for the one
  // before it, with a warning; a damaged one that was asked for by name is an error. Throws
  // DataError.
  Checkpoint find_checkpoint(const std::string& which = "latest") const;
  // The step in the name of what a link of this name points to; none without such a link.
  std::optional<int64_t> linked_step(const std::string& name) const;

 private:
  Checkpoint open(int64_t step) const;
  Checkpoint newest_whole() const;
  Checkpoint best() const;

  std::filesystem::path path_;
};

}  // namespace icl
