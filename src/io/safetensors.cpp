// SPDX-License-Identifier: Apache-2.0
#include "icl/io/safetensors.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "icl/base/error.h"
#include "icl/base/shape.h"
#include "icl/base/text.h"

namespace icl {
namespace {

using nlohmann::json;

constexpr size_t kLongestHeader = 100'000'000;  // the format's own limit

struct TypeName {
  const char* name;
  at::ScalarType type;
};
constexpr std::array kTypes = {
    TypeName{"F64", at::kDouble}, TypeName{"F32", at::kFloat},     TypeName{"F16", at::kHalf},
    TypeName{"I64", at::kLong},   TypeName{"BF16", at::kBFloat16}, TypeName{"I32", at::kInt},
    TypeName{"I16", at::kShort},  TypeName{"I8", at::kChar},       TypeName{"U8", at::kByte},
    TypeName{"BOOL", at::kBool},  TypeName{"U16", at::kUInt16},    TypeName{"U32", at::kUInt32},
    TypeName{"U64", at::kUInt64}};

// Parses the header while noting a name that comes twice (the parser itself keeps the last).
json parse_unique(const std::string& text, std::string& duplicate) {
  std::vector<std::set<std::string>> seen;
  const auto watch = [&](int /*depth*/, json::parse_event_t event, json& value) {
    if (event == json::parse_event_t::object_start) seen.emplace_back();
    if (event == json::parse_event_t::object_end) seen.pop_back();
    if (event == json::parse_event_t::key && !seen.back().insert(value.get<std::string>()).second) {
      duplicate = value.get<std::string>();
    }
    return true;
  };
  return json::parse(text, watch, /*allow_exceptions=*/false);
}

uint64_t little_endian(const char* bytes) {
  uint64_t value = 0;
  for (int i = 7; i >= 0; --i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

// Bytes that a tensor of these sizes takes, or nothing when the product overflows.
std::optional<size_t> byte_count(const std::vector<int64_t>& shape, at::ScalarType type) {
  size_t bytes = c10::elementSize(type);
  for (const int64_t size : shape) {
    if (__builtin_mul_overflow(bytes, static_cast<size_t>(size), &bytes)) return std::nullopt;
  }
  return bytes;
}

}  // namespace

void SafetensorsFile::refuse(const std::string& why) const {
  throw DataError(str("'", path_.string(), "': not a valid safetensors file: ", why));
}

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path)
    : path_(path), file_(std::make_shared<MappedFile>(path)) {
  const std::string_view bytes = file_->bytes();
  if (bytes.size() < 8) refuse(str("it has ", bytes.size(), " bytes, a header begins with 8"));
  const uint64_t length = little_endian(bytes.data());
  if (length > kLongestHeader) refuse(str("the header claims ", length, " bytes, over the limit"));
  if (length > bytes.size() - 8) {
    refuse(str("the header claims ", length, " bytes, the file has ", bytes.size() - 8, " left"));
  }
  data_offset_ = 8 + static_cast<size_t>(length);
  parse_header(std::string(bytes.substr(8, length)), bytes.size() - data_offset_);
}

void SafetensorsFile::parse_header(const std::string& text, size_t data_size) {
  if (text.empty() || text.front() != '{') refuse("the header does not start with '{'");
  std::string duplicate;
  const json header = parse_unique(text, duplicate);
  if (!header.is_object()) refuse("the header is not a JSON object");
  if (!duplicate.empty()) refuse(str("'", duplicate, "' comes twice"));

  const auto natural = [](const json& value) { return value.is_number_unsigned(); };
  const auto parse_entry = [&](const std::string& where, const json& value) {
    if (!value.is_object()) refuse(where + "its entry is not an object");
    const json dtype = value.value("dtype", json());
    const json shape = value.value("shape", json());
    const json offsets = value.value("data_offsets", json());
    const auto known = std::find_if(kTypes.begin(), kTypes.end(),
                                    [&](const TypeName& type) { return dtype == type.name; });
    if (known == kTypes.end()) refuse(str(where, "dtype ", dtype.dump(), " is not supported"));
    if (!shape.is_array() || !std::all_of(shape.begin(), shape.end(), natural)) {
      refuse(where + "its shape is not a list of natural numbers");
    }
    if (!offsets.is_array() || offsets.size() != 2 ||
        !std::all_of(offsets.begin(), offsets.end(), natural)) {
      refuse(where + "its data_offsets are not two natural numbers");
    }
    Entry entry{known->type, {}, offsets[0].get<size_t>(), offsets[1].get<size_t>()};
    for (const json& size : shape) {
      if (size.get<uint64_t>() > uint64_t{1} << 62) refuse(where + "its shape overflows");
      entry.shape.push_back(size.get<int64_t>());
    }
    const std::optional<size_t> bytes = byte_count(entry.shape, entry.type);
    if (!bytes) refuse(where + "its shape overflows");
    if (entry.begin > entry.end || entry.end - entry.begin != *bytes) {
      refuse(
          str(where, "offsets ", entry.begin, "..", entry.end, " do not hold ", *bytes, " bytes"));
    }
    return entry;
  };

  for (const auto& [name, value] : header.items()) {
    if (name != "__metadata__") {
      entries_.emplace(name, parse_entry("tensor '" + name + "': ", value));
      names_.push_back(name);
      continue;
    }
    if (!value.is_object()) refuse("__metadata__ is not an object");
    for (const auto& [key, entry] : value.items()) {
      if (!entry.is_string()) refuse(str("__metadata__ '", key, "' is not a string"));
      metadata_[key] = entry.get<std::string>();
    }
  }
  std::stable_sort(names_.begin(), names_.end(), [this](const auto& a, const auto& b) {
    const Entry& left = entries_.at(a);
    const Entry& right = entries_.at(b);
    return std::pair(left.begin, left.end) < std::pair(right.begin, right.end);
  });
  size_t expected = 0;
  for (const std::string& name : names_) {
    const Entry& entry = entries_.at(name);
    if (entry.begin != expected) {
      refuse(str("tensor '", name, "' starts at byte ", entry.begin, ", expected ", expected));
    }
    expected = entry.end;
  }
  if (expected != data_size) {
    refuse(str("its tensors take ", expected, " bytes, the file holds ", data_size));
  }
}

at::Tensor SafetensorsFile::tensor(const std::string& name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) {
    const std::string known = names_.size() <= 12 ? "; it holds " + join(names_) : "";
    throw DataError(str("'", path_.string(), "': there is no tensor '", name, "'",
                        did_you_mean(name, names_), known));
  }
  const Entry& entry = found->second;
  const auto options = at::TensorOptions().dtype(entry.type);
  if (entry.begin == entry.end) return at::empty(entry.shape, options);
  char* data = file_->data() + data_offset_ + entry.begin;
  if (reinterpret_cast<uintptr_t>(data) % c10::elementSize(entry.type) != 0) {
    at::Tensor copy = at::empty(entry.shape, options);
    std::memcpy(copy.data_ptr(), data, entry.end - entry.begin);
    return copy;
  }
  return at::from_blob(
      data, entry.shape, [keep = file_](void*) {}, options);
}

at::Tensor SafetensorsFile::tensor(const std::string& name, at::ScalarType type,
                                   at::IntArrayRef shape) const {
  const at::Tensor found = tensor(name);
  const bool same_rank = found.dim() == static_cast<int64_t>(shape.size());
  bool same = same_rank && found.scalar_type() == type;
  for (size_t i = 0; same && i < shape.size(); ++i) {
    same = shape[i] < 0 || found.size(static_cast<int64_t>(i)) == shape[i];
  }
  if (!same) {
    throw DataError(str("'", path_.string(), "': tensor '", name, "' is ", describe_tensor(found),
                        ", expected ", describe_shape(shape), " ", describe_type(type)));
  }
  return found;
}

std::string safetensors_bytes(const NamedTensors& tensors,
                              const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  size_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    const at::ScalarType wanted = tensor.scalar_type();
    const auto known = std::find_if(kTypes.begin(), kTypes.end(),
                                    [&](const TypeName& type) { return type.type == wanted; });
    ICL_ASSERT(known != kTypes.end(), "tensor '", name, "' is ", describe_tensor(tensor));
    ICL_ASSERT(!header.contains(name), "two tensors named '", name, "'");
    header[name] = {{"dtype", known->name},
                    {"shape", tensor.sizes().vec()},
                    {"data_offsets", {offset, offset + tensor.nbytes()}}};
    offset += tensor.nbytes();
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  std::string bytes;
  bytes.reserve(8 + text.size() + offset);
  for (int i = 0; i < 8; ++i) {
    bytes += static_cast<char>(static_cast<uint64_t>(text.size()) >> (8 * i) & 255);
  }
  bytes += text;
  for (const auto& [name, tensor] : tensors) {
    const at::Tensor plain = tensor.detach().cpu().contiguous();
    bytes.append(static_cast<const char*>(plain.const_data_ptr()), plain.nbytes());
  }
  return bytes;
}

void write_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                       const std::map<std::string, std::string>& metadata) {
  write_file_atomically(path, safetensors_bytes(tensors, metadata));
}

}  // namespace icl
