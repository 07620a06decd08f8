// SPDX-License-Identifier: Apache-2.0
//
// Least squares over a growing set of points, O(D^2) for each new point.
//
// An orthonormal basis Q of the span of the rows seen so far grows by Gram-Schmidt, so X = L Q with
// L of full column rank. Givens rotations keep the triangular factor of L. Back-substitution then
// gives the least-squares solution in the basis, and Q maps it to the one of minimum norm, without
// ever forming X^T X (whose condition is the square of X's).
//
//   icl::OnlineLeastSquares solver(/*n_dims=*/2, /*penalty=*/0);
//   const double x[] = {1, 2};
//   solver.add(x, /*y=*/3);
//   const std::vector<double>& w = solver.solve();   // (0.6, 1.2)
#pragma once

#include <cstdint>
#include <vector>

namespace icl {

class OnlineLeastSquares {
 public:
  // Minimises |y - Xw|^2 + penalty |w|^2; with penalty 0, among all minimisers the smallest.
  OnlineLeastSquares(int64_t n_dims, double penalty);

  void add(const double* x, double y);  // x [D]
  // w [D]
  const std::vector<double>& solve();
  // Dimension of the span of the points seen (D with a penalty).
  int64_t rank() const { return rank_; }

 private:
  // A row that leaves the span of the earlier ones by less than this share of the longest row is
  // taken to lie in it: rounding leaves about 1e-15, an independent float32 row at least 1e-8.
  static constexpr double kDependent = 1e-13;

  void rotate_in(std::vector<double>& row, double y);

  int64_t n_dims_;
  int64_t rank_ = 0;
  double longest_row_ = 0;
  std::vector<double> basis_;     // [rank, D]
  std::vector<double> triangle_;  // [D, D], upper
  std::vector<double> target_;    // [D]
  std::vector<double> remainder_, row_, coefficients_, weights_;
};

}  // namespace icl
