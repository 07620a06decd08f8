// SPDX-License-Identifier: Apache-2.0
//
// Writes files as torch.save does (zip archive, pickle protocol 2), for tests of their reader.
//
//   write_torch_file(path, PickleValue::dict({{"weight", at::ones({2, 3})}, {"step", 7}}));
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <bit>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "icl/io/pickle.h"

namespace icl::testing {

template <class T>
std::string raw(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof(T)};
}

inline uint32_t crc32(std::string_view bytes) {
  uint32_t crc = ~0u;
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xEDB88320u : 0u);
  }
  return ~crc;
}

// A zip archive of stored entries; `zip64` writes sizes and offsets into the extra fields.
class ZipWriter {
 public:
  explicit ZipWriter(bool zip64 = false) : zip64_(zip64) {}

  void add(const std::string& name, std::string_view bytes) {
    const auto size = static_cast<uint32_t>(bytes.size());
    const auto offset = static_cast<uint32_t>(out_.size());
    const uint32_t crc = crc32(bytes);
    std::string extra;
    if (zip64_) {
      extra = raw<uint16_t>(1) + raw<uint16_t>(24) + raw<uint64_t>(size) + raw<uint64_t>(size) +
              raw<uint64_t>(offset);
    }
    const std::string sizes = zip64_ ? raw(~0u) + raw(~0u) : raw(size) + raw(size);
    const std::string common = raw<uint16_t>(0) + raw<uint16_t>(0) + raw<uint32_t>(0) + raw(crc);
    const auto name_size = static_cast<uint16_t>(name.size());
    // torch.save starts every record at a multiple of 64 bytes.
    const size_t start = out_.size() + 30 + name.size() + 4;
    const size_t padding = (64 - start % 64) % 64;
    out_ += "PK\x03\x04" + raw<uint16_t>(45) + common + raw(size) + raw(size) + raw(name_size) +
            raw(static_cast<uint16_t>(padding + 4)) + name;
    out_ += "FB" + raw(static_cast<uint16_t>(padding)) + std::string(padding, 'Z');
    out_ += bytes;
    directory_ += "PK\x01\x02" + raw<uint16_t>(45) + raw<uint16_t>(45) + common + sizes +
                  raw(name_size) + raw(static_cast<uint16_t>(extra.size())) +
                  std::string(10, '\0') + (zip64_ ? raw(~0u) : raw(offset)) + name + extra;
    ++count_;
  }

  std::string finish() const {
    const auto offset = static_cast<uint32_t>(out_.size());
    const auto size = static_cast<uint32_t>(directory_.size());
    std::string end = out_ + directory_;
    if (zip64_) {
      const uint64_t end64 = end.size();
      end += "PK\x06\x06" + raw<uint64_t>(44) + raw<uint32_t>(45) + raw<uint64_t>(0) +
             raw<uint64_t>(count_) + raw<uint64_t>(count_) + raw<uint64_t>(size) +
             raw<uint64_t>(offset);
      end += "PK\x06\x07" + raw<uint32_t>(0) + raw<uint64_t>(end64) + raw<uint32_t>(1);
    }
    return end + "PK\x05\x06" + raw<uint32_t>(0) + raw(count_) + raw(count_) +
           (zip64_ ? raw(~0u) + raw(~0u) : raw(size) + raw(offset)) + raw<uint16_t>(0);
  }

 private:
  bool zip64_;
  std::string out_;
  std::string directory_;
  uint16_t count_ = 0;
};

// The pickle of a value, and the storages that it refers to.
class PickleWriter {
 public:
  explicit PickleWriter(bool ordered_dicts = true) : ordered_(ordered_dicts) {}

  static std::string text(std::string_view value) {
    return "X" + raw(static_cast<uint32_t>(value.size())) + std::string(value);
  }
  static std::string integer(int64_t value) {
    if (value == static_cast<int32_t>(value)) return "J" + raw(static_cast<int32_t>(value));
    return std::string("\x8a\x08", 2) + raw(value);
  }

  std::string value(const PickleValue& value) {
    if (value.is_none()) return "N";
    if (value.is_integer()) return integer(value.integer());
    if (value.is_text()) return text(value.text());
    if (value.is_tensor()) return tensor(value.tensor());
    if (value.is_list() || value.is_tuple()) {
      std::string out = value.is_list() ? "](" : "(";
      for (const PickleValue& item : value.items()) out += this->value(item);
      return out + (value.is_list() ? "e" : "t");
    }
    if (value.is_dict()) {
      std::string out = ordered_ ? "ccollections\nOrderedDict\n)R(" : "}(";
      for (const auto& [key, item] : value.dict()) out += this->value(key) + this->value(item);
      out += "u";
      // A state dict's attribute, which a reader may ignore.
      if (ordered_) out += "}" + text("_metadata") + "}sb";
      return out;
    }
    if (value.kind() == "a bool") return value.flag() ? "\x88" : "\x89";
    return "G" + raw(__builtin_bswap64(std::bit_cast<uint64_t>(value.number())));
  }

  std::string tensor(const at::Tensor& tensor) {
    static const std::map<at::ScalarType, std::string> kNames = {
        {at::kFloat, "Float"},       {at::kDouble, "Double"}, {at::kHalf, "Half"},
        {at::kBFloat16, "BFloat16"}, {at::kLong, "Long"},     {at::kInt, "Int"},
        {at::kBool, "Bool"},         {at::kByte, "Byte"}};
    const at::Storage storage = tensor.storage();
    const void* const data = storage.data();
    if (keys_.count(data) == 0) {
      keys_[data] = std::to_string(storages.size());
      storages.emplace_back(static_cast<const char*>(data), storage.nbytes());
    }
    const auto count = static_cast<int64_t>(storage.nbytes() / tensor.element_size());
    std::string out = "ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + "ctorch\n" +
                      kNames.at(tensor.scalar_type()) + "Storage\n" + text(keys_[data]) +
                      text("cpu") + integer(count) + "tQ" + integer(tensor.storage_offset());
    for (const at::IntArrayRef list : {tensor.sizes(), tensor.strides()}) {
      out += "(";
      for (const int64_t item : list) out += integer(item);
      out += "t";
    }
    return out + "\x89" + "ccollections\nOrderedDict\n)RtR";
  }

  std::vector<std::string> storages;

 private:
  bool ordered_;
  std::map<const void*, std::string> keys_;
};

// The archive around a pickle (without its protocol and stop) and its storages.
inline std::string torch_archive(const std::string& pickle,
                                 const std::vector<std::string>& storages, bool zip64 = false) {
  ZipWriter zip(zip64);
  zip.add("archive/data.pkl", std::string("\x80\x02", 2) + pickle + ".");
  zip.add("archive/byteorder", "little");
  for (size_t i = 0; i < storages.size(); ++i) {
    zip.add("archive/data/" + std::to_string(i), storages[i]);
  }
  zip.add("archive/version", "3\n");
  return zip.finish();
}

inline void write_bytes(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

inline void write_torch_file(const std::filesystem::path& path, const PickleValue& value) {
  PickleWriter pickle;
  const std::string program = pickle.value(value);
  write_bytes(path, torch_archive(program, pickle.storages));
}

}  // namespace icl::testing
