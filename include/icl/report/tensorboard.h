// SPDX-License-Identifier: Apache-2.0
//
// Scalars for TensorBoard, as an event file of its own format; metrics.jsonl stays the record.
//
//   TensorBoardWriter events("runs/a", 1.7e9);
//   events.scalar("loss", 0.25, /*step=*/100, /*wall_time=*/1.7e9 + 12);
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace icl::report {

// CRC-32C (Castagnoli), rotated and shifted as the record format asks for.
uint32_t masked_crc32c(std::string_view bytes);

class TensorBoardWriter {
 public:
  // A new file events.out.tfevents.<seconds>.icl in `folder`, which is made if need be. An existing
  // one of that name is continued. Times are seconds since 1970.
  TensorBoardWriter(const std::filesystem::path& folder, double wall_time);

  // One record, in one system call: a reader never sees half of it for long.
  void scalar(const std::string& tag, double value, int64_t step, double wall_time);

  const std::filesystem::path& path() const { return path_; }

 private:
  void record(const std::string& event);
  std::filesystem::path path_;
};

}  // namespace icl::report
