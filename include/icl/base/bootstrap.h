// SPDX-License-Identifier: Apache-2.0
//
// Bootstrap intervals (Efron 1979): n prompts are drawn with replacement, again and again, and what
// is computed of each resample tells how far chance alone moves it.
//
//   const Bootstrap bootstrap(1000, errors_PK.size(0), RandomStream(seed, "bootstrap"));
//   const Interval interval = interval_of(bootstrap.means(errors_PK), 0.95);   // low, high: [K]
//
// The same stream draws the same resamples; results do not depend on the number of threads.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "icl/base/random.h"

namespace icl {

class Bootstrap {
 public:
  Bootstrap(int64_t resamples, int64_t n, const RandomStream& stream);

  // Mean over the n rows as drawn in each resample: float64 [n, K] on the CPU -> [resamples, K].
  at::Tensor means(const at::Tensor& values_NK) const;
  // How often each row is drawn: float64 [resamples, n], rows sum to n.
  const at::Tensor& counts() const { return counts_RN_; }

 private:
  at::Tensor counts_RN_;
};

struct Interval {
  at::Tensor low, high;
};

// The middle `coverage` (in 0 .. 1) of the resamples, along the first dimension. Order statistics
// without interpolation, so that whole numbers stay whole: of 1000 values, those of rank 50 and 950
// (from 0) for a coverage of 0.9, as Garg et al. (2022) take them.
Interval interval_of(const at::Tensor& resampled, double coverage);

}  // namespace icl
