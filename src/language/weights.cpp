// SPDX-License-Identifier: Apache-2.0
#include "src/language/weights.h"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "icl/base/error.h"
#include "icl/base/log.h"
#include "icl/base/text.h"
#include "icl/io/json.h"
#include "icl/io/pickle.h"

namespace icl::language {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// The only .pth file of a folder, or an empty path if it holds none.
fs::path single_pth(const fs::path& folder) {
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".pth") found.push_back(entry.path().filename().string());
  }
  std::sort(found.begin(), found.end());
  if (found.size() > 1) {
    throw DataError(str("'", folder.string(), "' holds several models: ", join(found),
                        "; name one of these files"));
  }
  return found.empty() ? fs::path() : folder / found.front();
}

// A repository cloned without Git LFS holds a few lines of text instead.
void refuse_pointer(const fs::path& path) {
  constexpr std::string_view kPointer = "version https://git-lfs";
  std::string start(kPointer.size(), ' ');
  std::ifstream(path, std::ios::binary).read(start.data(), static_cast<int64_t>(start.size()));
  if (start != kPointer) return;
  throw DataError(str("'", path.string(),
                      "': is a pointer of Git LFS, not the file itself; fetch it with 'git lfs "
                      "pull'"));
}

}  // namespace

Weights::Weights(const fs::path& path) : file_(path) {
  if (fs::is_directory(path)) {
    add_folder(path);
  } else {
    add_pickle(path);
  }
  take_off_wrappers();
}

void Weights::add_folder(const fs::path& path) {
  const auto present = [&](const char* name) {
    file_ = path / name;
    return fs::exists(file_);
  };
  if (present("model.safetensors")) {
    add_safetensors(file_);
  } else if (present("model.safetensors.index.json")) {
    add_shards(file_, /*safetensors=*/true);
  } else if (present("pytorch_model.bin")) {
    add_pickle(file_);
  } else if (present("pytorch_model.bin.index.json")) {
    add_shards(file_, /*safetensors=*/false);
  } else if (file_ = single_pth(path); !file_.empty()) {
    add_pickle(file_);
  } else {
    throw DataError(str("'", path.string(),
                        "' holds no weights: expected model.safetensors, pytorch_model.bin, an "
                        "index of their shards (model.safetensors.index.json, "
                        "pytorch_model.bin.index.json), or a .pth file"));
  }
}

void Weights::add(const fs::path& path, const std::string& name, Entry entry,
                  const ShardOf& shard_of) {
  const auto shard = shard_of.find(name);
  if (shard != shard_of.end() && shard->second != path.filename()) return;
  if (!entries_.emplace(name, std::move(entry)).second) {
    throw DataError(str("'", path.string(), "': tensor '", name,
                        "' is in another shard, too, and the index does not say which to use"));
  }
}

void Weights::add_safetensors(const fs::path& path, const ShardOf& shard_of) {
  refuse_pointer(path);
  const auto file = std::make_shared<const SafetensorsFile>(path);
  for (const std::string& name : file->names()) add(path, name, Entry{file, name, {}}, shard_of);
}

void Weights::add_pickle(const fs::path& path, const ShardOf& shard_of) {
  const PickleValue root = read_torch_file(path);
  if (!root.is_dict()) {
    throw DataError(str("'", path.string(), "': expected tensors by name, found ", root.kind()));
  }
  for (const auto& [key, value] : root.dict()) {
    if (!key.is_text() || !value.is_tensor()) {
      const std::string name = key.is_text() ? str("'", key.text(), "'") : key.kind();
      throw DataError(str("'", path.string(), "': ", name, " is ", value.kind(),
                          ", expected a tensor (the file of a bare state dict)"));
    }
    add(path, key.text(), Entry{nullptr, "", value.tensor()}, shard_of);
  }
}

void Weights::add_shards(const fs::path& index, bool safetensors) {
  const auto root = read_json<json>(index);
  const auto map = root.is_object() ? root.find("weight_map") : root.end();
  if (!root.is_object() || map == root.end() || !map->is_object()) {
    throw DataError(
        str("'", index.string(), "': expected an object with a weight_map of tensors to files"));
  }
  ShardOf shard_of;
  std::set<std::string> files;
  for (const auto& [name, file] : map->items()) {
    const bool text = file.is_string();
    const std::string file_name = text ? file.get<std::string>() : std::string();
    if (file_name.empty() || fs::path(file_name).filename() != file_name) {
      throw DataError(str("'", index.string(), "': the file of '", name, "' is ", file.dump(),
                          ", expected a name in the same folder"));
    }
    files.insert(file_name);
    shard_of[name] = file_name;
  }
  for (const std::string& file : files) {
    const fs::path path = index.parent_path() / file;
    safetensors ? add_safetensors(path, shard_of) : add_pickle(path, shard_of);
  }
  std::vector<std::string> lost;
  for (const auto& [name, file] : map->items()) {
    if (!contains(name)) lost.push_back(name);
  }
  if (!lost.empty()) {
    throw DataError(
        str("'", index.string(), "' names tensors that their shards do not hold: ", join(lost)));
  }
}

void Weights::take_off_wrappers() {
  for (bool again = true; again;) {
    again = false;
    for (const std::string prefix : {"module.", "_orig_mod.", "base_model.model."}) {
      const auto wrapped = [&](const auto& entry) { return entry.first.starts_with(prefix); };
      const auto count = std::count_if(entries_.begin(), entries_.end(), wrapped);
      if (count == 0) continue;
      if (static_cast<size_t>(count) < entries_.size()) {
        throw DataError(str("'", file_.string(), "': ", count, " of ", entries_.size(),
                            " tensors have names that begin with '", prefix,
                            "', the prefix of a wrapper; expected all of them or none"));
      }
      log_info(str("'", file_.string(), "': the wrapper's prefix '", prefix,
                   "' is taken off the names of all tensors"));
      std::map<std::string, Entry> renamed;
      for (auto& [name, entry] : entries_) renamed[name.substr(prefix.size())] = std::move(entry);
      entries_ = std::move(renamed);
      again = true;
    }
  }
  for (const auto& [name, entry] : entries_) {
    if (name.find(".lora_A.") == std::string::npos) continue;
    throw DataError(str("'", file_.string(), "': holds a LoRA adapter ('", name,
                        "'), which is a part of a model; merge the adapter into its base model and "
                        "save the whole"));
  }
}

std::vector<std::string> Weights::names() const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : entries_) names.push_back(name);
  return names;
}

at::Tensor Weights::tensor(const std::string& name) const {
  const Entry& entry = entries_.at(name);
  return entry.file ? entry.file->tensor(entry.name) : entry.tensor;
}

}  // namespace icl::language
