// SPDX-License-Identifier: Apache-2.0
#include "icl/tasks/decision_tree.h"

#include <ATen/ATen.h>

namespace icl {

void DecisionTree::describe(Fields& f) {
  f.integer("depth", depth, between(1, 16), "depth of the random tree");
}

FunctionTraits DecisionTree::traits(int64_t) const {
  return {.baselines = {"zero", "least_squares", "nearest_3", "averaging", "tree_4", "tree",
                        "xgboost"}};
}

FunctionParameters DecisionTree::draw(const FunctionRequest& request,
                                      const RandomStream& stream) const {
  const int64_t leaves = int64_t{1} << depth;
  return {stream.child("coordinates").integers({request.count, leaves - 1}, request.n_dims),
          stream.child("leaves").normal({request.count, leaves})};
}

at::Tensor DecisionTree::evaluate(const FunctionParameters& parameters,
                                  const at::Tensor& xs_BKD) const {
  const at::Tensor& coordinates = parameters[0];
  at::Tensor node = at::zeros({xs_BKD.size(0), xs_BKD.size(1)}, xs_BKD.options().dtype(at::kLong));
  for (int64_t level = 0; level < depth; ++level) {
    const at::Tensor coordinate = coordinates.gather(1, node);
    const at::Tensor value = xs_BKD.gather(2, coordinate.unsqueeze(2)).squeeze(2);
    node = node * 2 + 1 + (value > 0).to(at::kLong);
  }
  return parameters[1].gather(1, node - ((int64_t{1} << depth) - 1));
}

}  // namespace icl
