// SPDX-License-Identifier: Apache-2.0
//
// What icl-bench ops times: each operator at a size, with the alternatives that it is measured
// against.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>
#include <vector>

namespace icl {

// The results of one way to compute an operator from the case's inputs.
using OperatorForm = std::function<std::vector<at::Tensor>(const std::vector<at::Tensor>&)>;

// What a pass cannot do without.
struct Demand {
  double bytes = 0;         // every input read, every result written once
  double exponentials = 0;  // counted for the scan only
  double instructions = 0;  // of a warp on a GPU, counted for the scan only
};

// A way to compute an operator, and its inputs in the layout that it is written for.
struct Alternative {
  std::string name;
  OperatorForm form;
  std::vector<at::Tensor> inputs;
  bool equal = true;  // false: a part of the work, whose result is another
};

struct OperatorCase {
  std::string name;   // of the operator
  std::string shape;  // "B=8 L=81 I=512 N=16"
  std::vector<at::Tensor> inputs;
  OperatorForm fast;
  std::vector<Alternative> alternatives;  // the first result of each equals that of `fast`
  double elements;                        // (b, l, i, n) steps of a scan, outputs otherwise
  Demand forward;
  Demand backward;  // of the backward pass alone
};

// The sizes of the published experiments: small batches on the CPU, training batches on a GPU.
std::vector<OperatorCase> operator_cases(c10::Device device);
// Those of the delta rule, which are among them.
std::vector<OperatorCase> delta_rule_cases(c10::Device device);

}  // namespace icl
