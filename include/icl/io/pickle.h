// SPDX-License-Identifier: Apache-2.0
//
// Reads what torch.save writes (since PyTorch 1.6: a zip archive around a pickle), without Python.
//
//   const PickleValue root = read_torch_file("state.pt");
//   const int64_t step = root.at("train_step").integer();
//   const at::Tensor& weight = root.at("model_state_dict").at("0.weight").tensor();
//
// A pickle is a program, so only what a checkpoint needs is understood: tensors, parameters, dicts,
// OrderedDicts, lists, tuples, numbers, strings, bools and None, in protocols 2 to 5. Any other
// global is refused by its name, and nothing is ever executed. Attributes set on an object (such as
// a state dict's _metadata) are ignored. Tensors are views of the mapped file, keep it alive by
// themselves, share storages as saved, and may be written to without changing the file.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace icl {

struct PickleInternal;  // what only the reader itself handles: classes and storages

// Copies share the contents of lists and dicts. The accessors throw DataError, saying what the
// value is instead of what was asked for.
class PickleValue {
 public:
  using List = std::vector<PickleValue>;
  using Dict = std::vector<std::pair<PickleValue, PickleValue>>;  // in the order of the file

  PickleValue() = default;  // None
  PickleValue(bool value) : value_(value) {}
  PickleValue(int value) : value_(int64_t{value}) {}
  PickleValue(int64_t value) : value_(value) {}
  PickleValue(double value) : value_(value) {}
  PickleValue(const char* value) : PickleValue(std::string(value)) {}
  PickleValue(std::string value) : value_(std::make_shared<const std::string>(std::move(value))) {}
  PickleValue(at::Tensor value) : value_(std::move(value)) {}
  PickleValue(std::shared_ptr<PickleInternal> value) : value_(std::move(value)) {}
  static PickleValue list(List items) { return sequence(std::move(items), /*tuple=*/false); }
  static PickleValue tuple(List items) { return sequence(std::move(items), /*tuple=*/true); }
  static PickleValue dict(Dict items);

  bool is_none() const { return std::holds_alternative<std::monostate>(value_); }
  bool is_integer() const { return std::holds_alternative<int64_t>(value_); }
  bool is_text() const { return std::holds_alternative<TextPtr>(value_); }
  bool is_tensor() const { return std::holds_alternative<at::Tensor>(value_); }
  bool is_list() const;
  bool is_tuple() const;
  bool is_dict() const { return std::holds_alternative<DictPtr>(value_); }

  bool flag() const;
  int64_t integer() const;
  double number() const;             // also of an integer
  const std::string& text() const;   // also of bytes
  const at::Tensor& tensor() const;  // a parameter is its tensor
  List& items();                     // of a list or a tuple
  const List& items() const;
  Dict& dict();
  const Dict& dict() const;
  // The value under a text key of a dict; find() answers nullptr when there is none, at() throws
  // and names the nearest key.
  const PickleValue* find(std::string_view key) const;
  const PickleValue& at(std::string_view key) const;
  PickleInternal* internal() const;  // nullptr for every value that a caller of the reader can meet

  std::string kind() const;  // "a dict", "an integer", "a tensor [2, 3] float32", ...

 private:
  struct Sequence {
    List items;
    bool tuple;
  };
  using TextPtr = std::shared_ptr<const std::string>;
  using SequencePtr = std::shared_ptr<Sequence>;
  using DictPtr = std::shared_ptr<Dict>;

  static PickleValue sequence(List items, bool tuple);
  [[noreturn]] void expected(const char* what) const;

  std::variant<std::monostate, bool, int64_t, double, TextPtr, at::Tensor, SequencePtr, DictPtr,
               std::shared_ptr<PickleInternal>>
      value_;
};

// Throws DataError, with the path and the reason, for anything that is not such a file: damaged or
// truncated ones, files of PyTorch before 1.6, other globals, tensors that reach outside their
// storage, containers that contain themselves, and nesting deeper than 100.
PickleValue read_torch_file(const std::filesystem::path& path);

}  // namespace icl
