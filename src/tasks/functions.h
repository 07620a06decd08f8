// SPDX-License-Identifier: Apache-2.0
//
// The function classes behind the registry (Garg et al. 2022, section 2 and appendix A.1).
#pragma once

#include "icl/tasks/registry.h"

namespace icl::functions {

// y = scale * w.x, w ~ N(0, I)
FunctionParameters draw_linear(const TaskConfig&, const RandomStream&, int64_t, int64_t);
at::Tensor evaluate_linear(const TaskConfig&, const FunctionParameters&, const at::Tensor&);
// The same with all but k weights zero; which k of the first n_dims is uniformly random.
FunctionParameters draw_sparse(const TaskConfig&, const RandomStream&, int64_t, int64_t);
// y = scale * sum_j w_j x_j^2 / sqrt(3)
at::Tensor evaluate_quadratic(const TaskConfig&, const FunctionParameters&, const at::Tensor&);
// y = sign(w.x)
at::Tensor evaluate_classification(const TaskConfig&, const FunctionParameters&, const at::Tensor&);
// y = sqrt(2 / h) * relu(x W1) W2, all weights N(0, 1)
FunctionParameters draw_network(const TaskConfig&, const RandomStream&, int64_t, int64_t);
at::Tensor evaluate_network(const TaskConfig&, const FunctionParameters&, const at::Tensor&);
// A full binary tree in heap order: at a node go right when its coordinate is above zero; leaves
// hold N(0, 1).
FunctionParameters draw_tree(const TaskConfig&, const RandomStream&, int64_t, int64_t);
at::Tensor evaluate_tree(const TaskConfig&, const FunctionParameters&, const at::Tensor&);

}  // namespace icl::functions
