// SPDX-License-Identifier: Apache-2.0
//
// Zip archives whose entries are stored, not compressed: the container of torch.save. Entries are
// views of the mapped file.
//
//   const ZipReader zip("pytorch_model.bin");
//   std::string_view bytes = zip.entry("archive/data.pkl");
//
// Every offset and length is checked against the file, an entry's CRC-32 when it is asked for;
// ZIP64 is understood.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "icl/io/files.h"

namespace icl {

class ZipReader {
 public:
  // Throws DataError for a file that is no zip archive, is cut short or damaged, or has a
  // compressed or encrypted entry.
  explicit ZipReader(const std::filesystem::path& path);

  bool contains(const std::string& name) const { return entries_.count(name) > 0; }
  std::vector<std::string> names() const;  // sorted
  // Throws DataError naming the nearest entry, or that this one is damaged.
  std::string_view entry(const std::string& name) const;
  // The memory that the views point into; whoever keeps a view keeps this.
  const std::shared_ptr<MappedFile>& file() const { return file_; }
  const std::filesystem::path& path() const { return path_; }

 private:
  void read_directory();
  size_t read_directory_entry(size_t position);
  std::string_view local_data(const std::string& name, uint64_t header, uint64_t size) const;
  [[noreturn]] void refuse(const std::string& why) const;

  std::filesystem::path path_;
  std::shared_ptr<MappedFile> file_;
  struct Entry {
    std::string_view bytes;
    uint32_t crc;
  };
  std::map<std::string, Entry> entries_;
};

}  // namespace icl
