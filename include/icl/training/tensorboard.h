// SPDX-License-Identifier: Apache-2.0
//
// Scalars for TensorBoard, as an event file of its own format; metrics.jsonl stays the record.
//
//   icl::TensorBoardWriter events("runs/a", /*first_step=*/0, /*wall_time=*/1.7e9);
//   events.scalar("loss", 0.25, /*step=*/100, /*wall_time=*/1.7e9 + 12);
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace icl {

// CRC-32C (Castagnoli), rotated and shifted as the record format asks for.
uint32_t masked_crc32c(std::string_view bytes);

class TensorBoardWriter {
 public:
  // A new file events.out.tfevents.<seconds>.icl in `folder`, which is made if need be. An existing
  // one of that name is continued. Times are seconds since 1970. A writer that starts at a later
  // step than 0 continues a run: a session start there makes TensorBoard forget what earlier files
  // hold of this step and later ones, which are about to be made again.
  TensorBoardWriter(const std::filesystem::path& folder, int64_t first_step, double wall_time);

  // One record, in one system call: a reader never sees half of it for long.
  void scalar(const std::string& tag, double value, int64_t step, double wall_time);

  const std::filesystem::path& path() const { return path_; }

 private:
  void record(const std::string& event);
  std::filesystem::path path_;
};

}  // namespace icl
