// SPDX-License-Identifier: Apache-2.0
//
// Files that are either whole or not there. Every function names the path in what it throws.
//
//   write_file_atomically("runs/a/run.json", text);    // a reader sees the old file or the new one
//   const std::string text = read_file("runs/a/run.json");
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace icl {

// Throws DataError when the file is missing or cannot be read.
std::string read_file(const std::filesystem::path& path);

// Writes and syncs `path` in place; for files inside a folder that is itself renamed when complete.
void write_file_synced(const std::filesystem::path& path, std::string_view bytes);

// Writes beside the final name, syncs, renames, syncs the folder. Throws DataError with the
// system's reason (no space, no permission); the old file is then untouched. A link is followed;
// what is no file (a device, a pipe) is written into.
void write_file_atomically(const std::filesystem::path& path, std::string_view bytes);

// Makes a folder, and those above it, unless they are there. Throws DataError.
void make_folders(const std::filesystem::path& folder);

// Throws DataError if a file of this name could not be written: to be asked before long work.
void check_writable(const std::filesystem::path& path);

// Appends one line (a newline is added) in one system call, without syncing.
void append_line(const std::filesystem::path& path, std::string_view line);

// Makes renames and new names within the folder durable.
void sync_directory(const std::filesystem::path& directory);

// XXH3-128 of the bytes, as 32 hexadecimal digits: finds damage, not tampering.
std::string checksum(std::string_view bytes);
std::string checksum_of_file(const std::filesystem::path& path);

// A file mapped into memory. Writes to the memory stay private to this process.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  char* data() const { return data_; }
  size_t size() const { return size_; }
  std::string_view bytes() const { return {data_, size_}; }

 private:
  char* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace icl
