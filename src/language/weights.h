// SPDX-License-Identifier: Apache-2.0
//
// The tensors of a model's folder by name, whatever files hold them. Files are mapped, not read.
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
  // An index decides which shard a tensor is taken from. Prefixes that wrappers put in front of
  // every name (`module.`, `_orig_mod.`, `base_model.model.`) are taken off. Throws DataError.
  explicit Weights(const std::filesystem::path& path);

  std::vector<std::string> names() const;  // sorted
  bool contains(const std::string& name) const { return entries_.count(name) != 0; }
  at::Tensor tensor(const std::string& name) const;
  // What was opened, for messages.
  const std::filesystem::path& file() const { return file_; }

 private:
  struct Entry {
    std::shared_ptr<const SafetensorsFile> file;  // with
    std::string name;                             // in the file; or
    at::Tensor tensor;
  };
  using ShardOf = std::map<std::string, std::string>;  // by tensor

  void add_folder(const std::filesystem::path& path);
  void add_safetensors(const std::filesystem::path& path, const ShardOf& shard_of = {});
  void add_pickle(const std::filesystem::path& path, const ShardOf& shard_of = {});
  void add_shards(const std::filesystem::path& index, bool safetensors);
  void add(const std::filesystem::path& path, const std::string& name, Entry entry,
           const ShardOf& shard_of);
  void take_off_wrappers();

  std::filesystem::path file_;
  std::map<std::string, Entry> entries_;
};

}  // namespace icl::language
