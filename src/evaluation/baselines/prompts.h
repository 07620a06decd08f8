// SPDX-License-Identifier: Apache-2.0
//
// One prompt after another as plain arrays, for the baselines that are loops over points.
#pragma once

#include <cstdint>
#include <functional>

#include "icl/evaluation/baselines.h"

namespace icl {

struct PromptView {
  int64_t n_points;
  int64_t n_dims;
  const double* xs;  // [K, D]
  const double* ys;  // [K]
  const double* queries;

  const double* x(int64_t i) const { return xs + i * n_dims; }
  const double* query(int64_t i) const { return queries + i * n_dims; }
};

inline double dot(const double* a, const double* b, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

// Throws UsageError unless the shapes agree, DataError if a number is not finite.
void check_input(const BaselineInput& input);

// Calls predict(prompt, out) for every prompt, several at a time; out[0 .. K-1] starts as zeros.
// Returns the predictions in the type and on the device of the xs.
at::Tensor for_each_prompt(const BaselineInput& input, const BaselineOptions& options,
                           const std::function<void(const PromptView&, double* out)>& predict);

}  // namespace icl
