// SPDX-License-Identifier: Apache-2.0
//
// Ridge regression from streamed second moments, in float64.
//
//   icl::SecondMoments train(/*features=*/3, /*targets=*/1);
//   train.add(features_BF, targets_BS);                       // as often as there are batches
//   const icl::RidgePath path(train, columns);                // int64: the features in use
//   const at::Tensor weights = path.weights(1e-3);            // last row: the intercept
//   const at::Tensor error = path.error(weights, validation); // by target
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace icl {

// Sums of products of features (a constant 1 appended) and targets.
class SecondMoments {
 public:
  SecondMoments(int64_t features, int64_t targets);
  void add(const at::Tensor& features_BF, const at::Tensor& targets_BS);

  double count = 0;
  at::Tensor gram;     // [F + 1, F + 1]
  at::Tensor cross;    // [F + 1, S]
  at::Tensor squares;  // [S]
};

// Minimises mean squared error + penalty |w|^2 over standardised features; the intercept is free.
class RidgePath {
 public:
  // `columns` int64: the features in use.
  RidgePath(const SecondMoments& train, const at::Tensor& columns);

  at::Tensor weights(double penalty) const;  // [columns + 1, S]
  // Summed squared error of such weights on other moments: [S].
  at::Tensor error(const at::Tensor& weights, const SecondMoments& other) const;

 private:
  at::Tensor rows_;  // columns and the constant
  at::Tensor mean_, inverse_std_, target_mean_;
  at::Tensor values_, vectors_, projected_;
};

}  // namespace icl
