// SPDX-License-Identifier: Apache-2.0
//
// The safetensors container: named tensors behind a JSON header.
//
//   write_safetensors("prompts.safetensors", {{"xs", xs}, {"ys", ys}});
//   const SafetensorsFile file("prompts.safetensors");
//   at::Tensor xs = file.tensor("xs");
//
// Goals: nothing in a file can make a reader read outside it; every refusal names the tensor.
// Non-goals: detecting changed values (a checkpoint's manifest does), sparse or quantised types.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "icl/io/files.h"

namespace icl {

using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

// Opened by mapping: tensors are views of the file (copied only where the file is not aligned),
// keep the mapping alive by themselves, and may be written to without changing the file.
class SafetensorsFile {
 public:
  // Throws DataError unless the whole header is valid: sizes that match shapes and types, offsets
  // that cover the data exactly, no name twice.
  explicit SafetensorsFile(const std::filesystem::path& path);

  const std::vector<std::string>& names() const { return names_; }  // in the order of the data
  bool contains(const std::string& name) const { return entries_.count(name) != 0; }
  // Throws DataError naming the file, the known tensors and the nearest name.
  at::Tensor tensor(const std::string& name) const;
  // The same, checked for type and shape (-1: any size).
  at::Tensor tensor(const std::string& name, at::ScalarType type, at::IntArrayRef shape) const;
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

 private:
  struct Entry {
    at::ScalarType type;
    std::vector<int64_t> shape;
    size_t begin;
    size_t end;
  };

  void parse_header(const std::string& text, size_t data_size);
  [[noreturn]] void refuse(const std::string& why) const;

  std::filesystem::path path_;
  std::shared_ptr<MappedFile> file_;
  size_t data_offset_ = 0;
  std::map<std::string, Entry> entries_;
  std::vector<std::string> names_;
  std::map<std::string, std::string> metadata_;
};

// The file's bytes; data start on an 8-byte boundary, tensors in the order given.
std::string safetensors_bytes(const NamedTensors& tensors,
                              const std::map<std::string, std::string>& metadata = {});

// Atomic: the file appears whole or not at all.
void write_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace icl
