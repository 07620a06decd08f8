// SPDX-License-Identifier: Apache-2.0
//
// The state dicts of the paper's Python code: which tensor is which of ours.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "icl/io/safetensors.h"
#include "icl/models/regression_model.h"
#include "icl/runs/run_config.h"

namespace icl {

// A state dict under the names of the tables: without what wrappers ("module.") put in front.
struct PythonTensors {
  struct Entry {
    std::string name;  // as in the file
    at::Tensor tensor;
  };
  std::map<std::string, Entry> entries;

  PythonTensors(const NamedTensors& tensors, const Family& family);
  const at::Tensor* find(const std::string& name) const;
};

// Copies the tensors into a model of this config. Problems are one line each: missing, unknown,
// misshapen; nullptr if there are any. `unused` names those that no prediction depends on.
std::shared_ptr<RegressionModel> make_python_model(const PythonTensors& tensors,
                                                   const RunConfig& config,
                                                   std::vector<std::string>& problems,
                                                   std::vector<std::string>& unused);

}  // namespace icl
