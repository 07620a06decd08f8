// SPDX-License-Identifier: Apache-2.0
//
// One prompt after another, several at a time, for the baselines.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "icl/evaluation/baselines.h"

namespace icl {

struct PromptView {
  int64_t n_points;
  int64_t n_dims;
  const double* xs;  // [K, D]
  const double* ys;  // [K]
  const double* queries;
  // To be called after each point by learners whose prompts may take long.
  std::function<void()> point_done;

  const double* x(int64_t i) const { return xs + i * n_dims; }
  const double* query(int64_t i) const { return queries + i * n_dims; }
};

// Throws UsageError unless the shapes agree, DataError if a number is not finite.
void check_input(const BaselineInput& input);

// Counts what is done, from any thread, and reports the share of it.
class WorkCount {
 public:
  WorkCount(int64_t total, const BaselineOptions& options);
  ~WorkCount();
  void add(int64_t done);

 private:
  struct Shared;
  std::unique_ptr<Shared> shared_;
};

// Calls work(i) for i = 0 .. n-1, several at a time, each within one thread: library routines that
// divide their work among threads, and then round otherwise, do not within it.
void in_parallel(int64_t n, const std::function<void(int64_t i)>& work);

// Calls predict(prompt, out) for every prompt, several at a time; out[0 .. K-1] starts as zeros.
// Returns the predictions in the type and on the device of the xs.
at::Tensor for_each_prompt(const BaselineInput& input, const BaselineOptions& options,
                           const std::function<void(const PromptView&, double* out)>& predict);

}  // namespace icl
