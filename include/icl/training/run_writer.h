// SPDX-License-Identifier: Apache-2.0
//
// The run folder while training writes it: config.json, run.json, metrics.jsonl, checkpoints/.
//
//   RunWriter writer("runs/a", config);              // refuses a folder that is not a run
//   writer.begin(/*step=*/0, facts);
//   writer.checkpoint(1000, {{"model.safetensors", bytes}, ...});
//   writer.end(500001, "finished");
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "icl/config/run_config.h"

namespace icl {

class RunWriter {
 public:
  // A new run needs a folder that is missing or empty; `resume` needs one that holds a run of the
  // same config (see check_resumable). Throws UsageError saying which and what to do.
  // DataError if another process is writing it.
  RunWriter(std::filesystem::path run, const RunConfig& config, bool resume);
  ~RunWriter();
  RunWriter(const RunWriter&) = delete;
  RunWriter& operator=(const RunWriter&) = delete;

  const std::filesystem::path& path() const { return run_; }
  bool resuming() const { return resuming_; }

  // Adds a start to run.json beside `facts` (versions, device, parameters) and drops metrics of
  // steps after `step`, which will be made again.
  void begin(int64_t step, const nlohmann::ordered_json& facts);
  void end(int64_t step, const std::string& reason);

  void metrics(const nlohmann::ordered_json& line);

  // Writes checkpoints/step_NNNNNNNN, points `latest` at it, and removes what keep_last, keep_every
  // and the mark `best` do not keep.
  void checkpoint(int64_t step, const std::vector<std::pair<std::string, std::string>>& files);
  // Points `best` at the checkpoint of this step.
  void mark_best(int64_t step);

 private:
  void lock();
  void point(const std::string& name, int64_t step) const;
  void drop_old_checkpoints(int64_t newest) const;

  std::filesystem::path run_;
  RunConfig config_;
  bool resuming_ = false;
  int lock_ = -1;
};

}  // namespace icl
