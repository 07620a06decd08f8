// SPDX-License-Identifier: Apache-2.0
//
// The results of a run's evaluations as files. The name of a file is the setting, and what differs
// from the default: standard.json, standard_points200.json, standard_step00001000_seed3.json.
//
//   icl::ResultStore store(icl::RunFolder("runs/a").evaluations());
//   if (auto stored = store.find(name, key)) return *stored;
//   store.write(name, result);
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "icl/evaluation/plan.h"
#include "icl/evaluation/results.h"

namespace icl {

// `step`: of the checkpoint, if another one than the newest was asked for.
std::string result_name(const PlannedSetting& planned, std::optional<int64_t> step = {});

class ResultStore {
 public:
  explicit ResultStore(std::filesystem::path folder) : folder_(std::move(folder)) {}

  const std::filesystem::path& folder() const { return folder_; }
  // Makes the folder. Throws DataError if results cannot be written there.
  void prepare() const;
  // The stored result, if it is readable and has this key.
  std::optional<EvalResult> find(const std::string& name, const std::string& key) const;
  // Writes <name>.json and .csv, each whole or not at all. A stored result of another checkpoint is
  // kept under the name of its step; one that differs otherwise is replaced, with a note of what
  // differs.
  void write(const std::string& name, const EvalResult& result) const;

 private:
  void make_way(const std::string& name, const EvalResult& result) const;

  std::filesystem::path folder_;
};

}  // namespace icl
