// SPDX-License-Identifier: Apache-2.0
//
// The run folder while training writes it: config, record, metrics, checkpoints.
//
//   icl::RunWriter writer("runs/a", config, /*resume=*/false);   // refuses a folder that is not a
//   run writer.begin(/*step=*/0, facts); writer.checkpoint({.step = 1000}, weights_bytes,
//   optimizer_bytes); writer.end(500001, "finished");
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "icl/runs/run_config.h"
#include "icl/runs/run_folder.h"
#include "icl/runs/run_lock.h"

namespace icl {

class RunWriter {
 public:
  // A new run needs a folder that is missing, empty, or left by a start that failed before its
  // first checkpoint; `resume` continues a run of the same config (see check_resumable), or starts
  // one where there is no checkpoint yet. Throws UsageError saying which and what to do, DataError
  // if another process is writing the run.
  RunWriter(const std::filesystem::path& run, const RunConfig& config, bool resume);

  const RunFolder& folder() const { return folder_; }
  bool resuming() const { return resuming_; }
  // The config that the run had before this start; of a run that is resumed.
  const std::optional<RunConfig>& earlier_config() const { return earlier_; }

  // Adds a start to the record beside `facts` (versions, device, parameters) and drops metrics of
  // steps after `step`, which will be made again.
  void begin(int64_t step, const nlohmann::ordered_json& facts);
  // Adds a stop; warns if the record cannot be written.
  void end(int64_t step, const std::string& reason);

  void metrics(const nlohmann::ordered_json& line);

  // Writes a checkpoint, points `latest` at it (and `best`, if the state says that it is the best),
  // and removes what keep_last, keep_every and `best` do not keep. Without optimizer state: "".
  void checkpoint(const TrainingState& state, const std::string& weights,
                  const std::string& optimizer);

 private:
  void point(const std::string& name, int64_t step);
  void drop_old_checkpoints(const TrainingState& newest) const;

  RunFolder folder_;
  RunConfig config_;
  std::optional<RunConfig> earlier_;
  std::optional<RunLock> lock_;
  bool resuming_ = false;
  bool warned_of_links_ = false;
};

}  // namespace icl
