// SPDX-License-Identifier: Apache-2.0
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <array>
#include <map>

#include "icl/base/error.h"
#include "icl/base/shape.h"
#include "icl/base/text.h"
#include "icl/io/pickle.h"
#include "icl/io/zip.h"
#include "pickle_vm.h"

namespace icl {
namespace {

constexpr std::pair<std::string_view, at::ScalarType> kStorages[] = {
    {"torch.BFloat16Storage", at::kBFloat16},
    {"torch.BoolStorage", at::kBool},
    {"torch.ByteStorage", at::kByte},
    {"torch.CharStorage", at::kChar},
    {"torch.DoubleStorage", at::kDouble},
    {"torch.FloatStorage", at::kFloat},
    {"torch.HalfStorage", at::kHalf},
    {"torch.IntStorage", at::kInt},
    {"torch.LongStorage", at::kLong},
    {"torch.ShortStorage", at::kShort},
    {"torch.storage.UntypedStorage", at::kByte},
    {"torch.UntypedStorage", at::kByte},
};
// Types without a storage class of their own: _rebuild_tensor_v3 names them.
constexpr std::pair<std::string_view, at::ScalarType> kTypes[] = {
    {"torch.uint16", at::kUInt16},
    {"torch.uint32", at::kUInt32},
    {"torch.uint64", at::kUInt64},
};
constexpr std::string_view kOrderedDict = "collections.OrderedDict";
constexpr std::string_view kRebuildTensor = "torch._utils._rebuild_tensor_v2";
constexpr std::string_view kRebuildTypedTensor = "torch._utils._rebuild_tensor_v3";
constexpr std::string_view kRebuildParameter = "torch._utils._rebuild_parameter";
constexpr std::string_view kRebuildStatefulParameter = "torch._utils._rebuild_parameter_with_state";

// The first bytes of a file of torch.save before PyTorch 1.6: protocol 2 and a magic number.
constexpr std::string_view kLegacy("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 14);

PickleValue find_global(const std::string& name) {
  PickleInternal found{.name = name, .storage = {}};
  bool known = name == kOrderedDict || name == kRebuildTensor || name == kRebuildTypedTensor ||
               name == kRebuildParameter || name == kRebuildStatefulParameter;
  const auto look_up = [&](const auto& table) {
    for (const auto& [class_name, type] : table) {
      if (name != class_name) continue;
      known = true;
      found.type = type;
    }
  };
  look_up(kStorages);
  look_up(kTypes);
  if (!known) {
    throw DataError(str("refuses the global '", name,
                        "': only tensors, parameters and OrderedDicts are read from a pickle"));
  }
  return std::make_shared<PickleInternal>(found);
}

const PickleInternal& internal_of(const PickleValue& value, const char* expected) {
  if (value.internal() == nullptr) {
    throw DataError(str("expected ", expected, ", found ", value.kind()));
  }
  return *value.internal();
}

std::vector<int64_t> integers_of(const PickleValue& value) {
  std::vector<int64_t> integers;
  for (const PickleValue& item : value.items()) integers.push_back(item.integer());
  return integers;
}

// Throws unless every element of the strided view lies within `capacity` elements.
void check_view(int64_t capacity, int64_t offset, const std::vector<int64_t>& sizes,
                const std::vector<int64_t>& strides) {
  bool fits = offset >= 0 && sizes.size() == strides.size() && sizes.size() <= 64;
  bool empty = false;
  int64_t last = offset;
  int64_t count = 1;
  for (size_t i = 0; fits && i < sizes.size(); ++i) {
    int64_t reach = 0;
    fits = sizes[i] >= 0 && strides[i] >= 0 &&
           !__builtin_mul_overflow(std::max<int64_t>(sizes[i] - 1, 0), strides[i], &reach) &&
           !__builtin_add_overflow(last, reach, &last) &&
           !__builtin_mul_overflow(count, std::max<int64_t>(sizes[i], 1), &count);
    empty = empty || sizes[i] == 0;
  }
  // 16 bytes an element at most; what is left for `count` keeps sizes in bytes within 64 bits.
  fits = fits && count <= (int64_t{1} << 59) && (empty ? offset <= capacity : last < capacity);
  if (!fits) {
    throw DataError(icl::str("a tensor of sizes ", describe_shape(sizes), ", strides ",
                             describe_shape(strides), " at ", offset,
                             " does not fit its storage of ", capacity, " elements"));
  }
}

// `typed`: the seventh argument names the type, the storage is of bytes.
at::Tensor rebuild_tensor(const PickleValue::List& args, bool typed) {
  if (args.size() < (typed ? 7U : 4U)) throw DataError("a tensor with too few arguments");
  PickleInternal storage = internal_of(args[0], "a storage");
  if (!storage.storage.defined()) throw DataError("expected a storage, found a class");
  if (typed) storage.type = internal_of(args[6], "a type").type;
  const auto item = static_cast<int64_t>(c10::elementSize(storage.type));
  const int64_t offset = args[1].integer();
  const std::vector<int64_t> sizes = integers_of(args[2]);
  const std::vector<int64_t> strides = integers_of(args[3]);
  check_view(storage.storage.numel() / item, offset, sizes, strides);
  at::Tensor tensor = at::empty({0}, storage.type);
  tensor.set_(storage.storage.storage(), offset, sizes, strides);
  return tensor;
}

PickleValue ordered_dict(const PickleValue::List& args) {
  PickleValue::Dict dict;
  if (args.size() > 1) throw DataError("an OrderedDict with more than one argument");
  if (args.size() == 1) {
    for (const PickleValue& pair : args[0].items()) {
      if (pair.items().size() != 2) throw DataError("an OrderedDict of something else than pairs");
      dict.emplace_back(pair.items()[0], pair.items()[1]);
    }
  }
  return PickleValue::dict(std::move(dict));
}

PickleValue call(const PickleValue& callable, const PickleValue::List& args) {
  const std::string& name = internal_of(callable, "a class").name;
  if (name == kOrderedDict) return ordered_dict(args);
  if (name == kRebuildTensor) return rebuild_tensor(args, /*typed=*/false);
  if (name == kRebuildTypedTensor) return rebuild_tensor(args, /*typed=*/true);
  const bool parameter = name == kRebuildParameter || name == kRebuildStatefulParameter;
  if (parameter && !args.empty()) return args[0].tensor();
  throw DataError(str("cannot call '", name, "'"));
}

// The records of one archive as tensors over its memory, each made once so that tensors which
// shared a storage still do.
class Storages {
 public:
  Storages(const ZipReader& zip, std::string prefix) : zip_(zip), prefix_(std::move(prefix)) {}

  // ('storage', class, key, location, number of elements)
  PickleValue load(const PickleValue& id) {
    const PickleValue::List& parts = id.items();
    if (parts.size() < 5 || !parts[0].is_text() || parts[0].text() != "storage") {
      throw DataError("a persistent id that is no storage");
    }
    PickleInternal storage = internal_of(parts[1], "the class of a storage");
    const int64_t count = parts[4].integer();
    const std::string& key = parts[2].text();
    storage.storage = bytes_of(key);
    const auto item = static_cast<int64_t>(c10::elementSize(storage.type));
    if (count < 0 || count > storage.storage.numel() / item) {
      throw DataError(str("storage '", key, "' has ", storage.storage.numel(), " bytes, expected ",
                          count, " elements of ", item));
    }
    return std::make_shared<PickleInternal>(storage);
  }

 private:
  at::Tensor bytes_of(const std::string& key) {
    const auto known = known_.find(key);
    if (known != known_.end()) return known->second;
    const std::string name = str(prefix_, "data/", key);
    if (!zip_.contains(name)) throw DataError(str("the archive holds no storage '", key, "'"));
    const std::string_view record = zip_.entry(name);
    const auto size = static_cast<int64_t>(record.size());
    char* const data = zip_.file()->data() + (record.data() - zip_.file()->data());
    at::Tensor bytes = at::from_blob(
        data, {size}, [file = zip_.file()](void*) {}, at::TensorOptions(at::kByte));
    constexpr uintptr_t kAlignment = 16;  // of the widest element
    if (reinterpret_cast<uintptr_t>(data) % kAlignment != 0) bytes = bytes.clone();
    return known_[key] = bytes;
  }

  const ZipReader& zip_;
  std::string prefix_;
  std::map<std::string, at::Tensor> known_;
};

void check_is_zip(const std::filesystem::path& path) {
  const MappedFile file(path);
  const std::string_view bytes = file.bytes();
  const char* why = nullptr;
  if (bytes.starts_with(kLegacy)) {
    why =
        "was written by torch.save before PyTorch 1.6 (no zip archive); load it in PyTorch and "
        "save it again";
  } else if (bytes.starts_with("version https://git-lfs")) {
    why = "is a pointer of Git LFS, not the file itself; fetch it with 'git lfs pull'";
  } else if (!bytes.starts_with("PK")) {
    why = "is no zip archive, so it was not written by torch.save of PyTorch 1.6 or later";
  }
  if (why != nullptr) throw DataError(str("'", path.string(), "': ", why));
}

// "archive/", or whatever the file was called when it was saved.
std::string prefix_of(const ZipReader& zip) {
  constexpr std::string_view kProgram = "/data.pkl";
  for (const std::string& name : zip.names()) {
    if (name.ends_with(kProgram) && name.find('/') == name.size() - kProgram.size()) {
      return name.substr(0, name.size() - kProgram.size() + 1);
    }
  }
  throw DataError("the archive holds no pickle (data.pkl), so torch.save did not write it");
}

PickleValue read_archive(const ZipReader& zip) {
  const std::string prefix = prefix_of(zip);
  const std::string order = prefix + "byteorder";
  if (zip.contains(order) && zip.entry(order) != "little") {
    throw DataError(str("byte order '", zip.entry(order), "', expected 'little'"));
  }
  Storages storages(zip, prefix);
  return run_pickle(zip.entry(prefix + "data.pkl"),
                    {.global = find_global, .call = call, .persistent = [&](const PickleValue& id) {
                       return storages.load(id);
                     }});
}

}  // namespace

PickleValue read_torch_file(const std::filesystem::path& path) {
  check_is_zip(path);
  const ZipReader zip(path);
  try {
    return read_archive(zip);
  } catch (const DataError& error) {
    throw DataError(str("'", path.string(), "': ", error.what()));
  }
}

}  // namespace icl
