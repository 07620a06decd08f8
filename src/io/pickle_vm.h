// SPDX-License-Identifier: Apache-2.0
//
// The machine that a pickle is a program for (PEP 307, 3154 and 574), without the parts that build
// objects: classes and their calls are answered by a host.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "icl/io/pickle.h"

namespace icl {

// A class or a storage, as it lies on the stack while a tensor is being put together.
struct PickleInternal {
  std::string name;
  at::Tensor storage;  // uint8 [bytes]; undefined for a class
  at::ScalarType type = at::kByte;
};

struct PickleHost {
  std::function<PickleValue(const std::string& qualified_name)> global;
  std::function<PickleValue(const PickleValue& callable, const PickleValue::List& args)> call;
  std::function<PickleValue(const PickleValue& id)> persistent;
};

// Throws DataError (without the path) that names the byte of the pickle where it went wrong.
PickleValue run_pickle(std::string_view program, const PickleHost& host);

}  // namespace icl
