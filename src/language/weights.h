// SPDX-License-Identifier: Apache-2.0
//
// The tensors of a model's folder by name, whatever files hold them. Mapped, not read.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "icl/io/safetensors.h"

namespace icl::language {

class Weights {
 public:
  // Of a folder: model.safetensors, model.safetensors.index.json, pytorch_model.bin,
  // pytorch_model.bin.index.json or a single .pth, the first that is there; or of a .pth file.
  // Throws DataError.
  explicit Weights(const std::filesystem::path& path);

  std::vector<std::string> names() const;  // sorted
  bool contains(const std::string& name) const { return entries_.count(name) != 0; }
  at::Tensor tensor(const std::string& name) const;
  // What was opened, for messages.
  const std::filesystem::path& file() const { return file_; }

 private:
  struct Entry {
    std::shared_ptr<const SafetensorsFile> file;  // or
    at::Tensor tensor;
  };
  void add_safetensors(const std::filesystem::path& path);
  void add_pickle(const std::filesystem::path& path);
  void add_shards(const std::filesystem::path& index, bool safetensors);

  std::filesystem::path file_;
  std::map<std::string, Entry> entries_;
};

}  // namespace icl::language
