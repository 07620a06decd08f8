// SPDX-License-Identifier: Apache-2.0
//
// The lasso over a growing set of points: coordinate descent that starts from the solution before,
// and the exact path (icl/solvers/lasso_path.h) where descent crawls.
//
//   icl::OnlineLasso solver(/*n_dims=*/2);
//   const double x[] = {1, 2};
//   solver.add(x, /*y=*/3);
//   const std::vector<double>& w = solver.solve(/*penalty=*/0.1);
#pragma once

#include <cstdint>
#include <vector>

namespace icl {

// Only the Gram matrix X^T X, X^T y and |y|^2 are kept.
class OnlineLasso {
 public:
  explicit OnlineLasso(int64_t n_dims);

  void add(const double* x, double y);  // x [D]
  // Minimises |y - Xw|^2 / 2 + penalty |w|_1 for a penalty above 0: w [D].
  const std::vector<double>& solve(double penalty);

 private:
  void refresh_slack();
  void descend();
  bool converged(double allowed) const;
  bool finish_exactly();
  bool polish();

  int64_t n_dims_;
  double penalty_ = 0;
  double energy_ = 0;  // |y|^2
  std::vector<double> gram_, moment_, weights_, slack_;
};

}  // namespace icl
