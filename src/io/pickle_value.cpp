// SPDX-License-Identifier: Apache-2.0
#include "icl/base/error.h"
#include "icl/base/shape.h"
#include "icl/base/text.h"
#include "icl/io/pickle.h"
#include "pickle_vm.h"

namespace icl {

PickleValue PickleValue::sequence(List items, bool tuple) {
  PickleValue value;
  value.value_ = std::make_shared<Sequence>(Sequence{std::move(items), tuple});
  return value;
}

PickleValue PickleValue::dict(Dict items) {
  PickleValue value;
  value.value_ = std::make_shared<Dict>(std::move(items));
  return value;
}

bool PickleValue::is_list() const {
  const auto* sequence = std::get_if<SequencePtr>(&value_);
  return sequence != nullptr && !(*sequence)->tuple;
}

bool PickleValue::is_tuple() const {
  const auto* sequence = std::get_if<SequencePtr>(&value_);
  return sequence != nullptr && (*sequence)->tuple;
}

void PickleValue::expected(const char* what) const {
  throw DataError(str("expected ", what, ", found ", kind()));
}

bool PickleValue::flag() const {
  if (const auto* value = std::get_if<bool>(&value_)) return *value;
  expected("a bool");
}

int64_t PickleValue::integer() const {
  if (const auto* value = std::get_if<int64_t>(&value_)) return *value;
  expected("an integer");
}

double PickleValue::number() const {
  if (const auto* value = std::get_if<double>(&value_)) return *value;
  if (const auto* value = std::get_if<int64_t>(&value_)) return static_cast<double>(*value);
  expected("a number");
}

const std::string& PickleValue::text() const {
  if (const auto* value = std::get_if<TextPtr>(&value_)) return **value;
  expected("a string");
}

const at::Tensor& PickleValue::tensor() const {
  if (const auto* value = std::get_if<at::Tensor>(&value_)) return *value;
  expected("a tensor");
}

const PickleValue::List& PickleValue::items() const {
  if (const auto* value = std::get_if<SequencePtr>(&value_)) return (*value)->items;
  expected("a list or a tuple");
}

PickleValue::List& PickleValue::items() {
  return const_cast<List&>(std::as_const(*this).items());
}

const PickleValue::Dict& PickleValue::dict() const {
  if (const auto* value = std::get_if<DictPtr>(&value_)) return **value;
  expected("a dict");
}

PickleValue::Dict& PickleValue::dict() {
  return const_cast<Dict&>(std::as_const(*this).dict());
}

const PickleValue* PickleValue::find(std::string_view key) const {
  for (const auto& [name, value] : dict()) {
    if (name.is_text() && name.text() == key) return &value;
  }
  return nullptr;
}

const PickleValue& PickleValue::at(std::string_view key) const {
  if (const PickleValue* value = find(key)) return *value;
  std::vector<std::string> known;
  for (const auto& [name, value] : dict()) {
    if (name.is_text()) known.push_back(name.text());
  }
  throw DataError(str("no key '", key, "'", did_you_mean(key, known)));
}

PickleInternal* PickleValue::internal() const {
  const auto* value = std::get_if<std::shared_ptr<PickleInternal>>(&value_);
  return value == nullptr ? nullptr : value->get();
}

std::string PickleValue::kind() const {
  if (is_none()) return "None";
  if (std::holds_alternative<bool>(value_)) return "a bool";
  if (is_integer()) return "an integer";
  if (std::holds_alternative<double>(value_)) return "a number";
  if (is_text()) return "a string";
  if (is_tensor()) return str("a tensor ", describe_tensor(tensor()));
  if (is_list()) return "a list";
  if (is_tuple()) return "a tuple";
  if (is_dict()) return "a dict";
  return str("the class '", internal()->name, "'");
}

}  // namespace icl
