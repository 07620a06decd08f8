// SPDX-License-Identifier: Apache-2.0
//
// The functions behind the table in table.cpp.
#pragma once

#include "icl/evaluation/baselines.h"

namespace icl {

at::Tensor predict_zero(const BaselineInput& input, const BaselineOptions& options);
at::Tensor predict_averaging(const BaselineInput& input, const BaselineOptions& options);
at::Tensor predict_least_squares(const BaselineInput& input, const BaselineOptions& options);
at::Tensor predict_ridge(const BaselineInput& input, const BaselineOptions& options);
// Reference curves of iterative solvers after `iterations` of them.
at::Tensor predict_gradient_descent(const BaselineInput& input, const BaselineOptions& options,
                                    int64_t iterations);
at::Tensor predict_newton(const BaselineInput& input, const BaselineOptions& options,
                          int64_t iterations);

at::Tensor predict_nearest(const BaselineInput& input, const BaselineOptions& options, int64_t k);

at::Tensor predict_lasso(const BaselineInput& input, const BaselineOptions& options, double alpha);

at::Tensor predict_gd_network(const BaselineInput& input, const BaselineOptions& options);

// max_depth < 0: no limit.
at::Tensor predict_tree(const BaselineInput& input, const BaselineOptions& options,
                        int64_t max_depth);

#ifdef ICL_WITH_XGBOOST
std::string xgboost_version();  // "1.7.4"
at::Tensor predict_xgboost(const BaselineInput& input, const BaselineOptions& options);
#endif

}  // namespace icl
