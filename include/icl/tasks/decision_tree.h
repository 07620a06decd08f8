// SPDX-License-Identifier: Apache-2.0
//
// A full binary tree in heap order: at a node go right when its coordinate is above zero; the
// leaves hold N(0, 1) (Garg et al. 2022, section 2).
//
//   icl::TaskConfig task{.function = icl::DecisionTree{.depth = 4}, .n_dims = 20};
#pragma once

#include "icl/tasks/function_class.h"

namespace icl {

struct DecisionTree {
  static constexpr const char* kName = "decision_tree";
  static constexpr const char* kSummary = "a random full binary tree over the signs of coordinates";
  int64_t depth = 4;

  void describe(Fields& f);
  FunctionTraits traits(int64_t n_dims) const;
  FunctionParameters draw(const FunctionRequest& request, const RandomStream& stream) const;
  at::Tensor evaluate(const FunctionParameters& parameters, const at::Tensor& xs_BKD) const;
};

}  // namespace icl
