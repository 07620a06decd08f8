// SPDX-License-Identifier: Apache-2.0
#include "icl/base/bootstrap.h"

#include <ATen/ATen.h>

#include "icl/evaluation/evaluate.h"

namespace icl {
namespace {

// As published (Garg et al. 2022).
constexpr int64_t kResamples = 1000;
constexpr double kCoverage = 0.9;

std::vector<double> to_vector(const at::Tensor& values) {
  const at::Tensor whole = values.contiguous();
  const double* begin = whole.const_data_ptr<double>();
  return {begin, begin + whole.numel()};
}

}  // namespace

Curve summarise(const at::Tensor& errors_PK, uint64_t seed) {
  const Bootstrap bootstrap(kResamples, errors_PK.size(0), RandomStream(seed, "bootstrap"));
  const Interval interval = interval_of(bootstrap.means(errors_PK), kCoverage);
  Curve curve;
  curve.mean = to_vector(errors_PK.mean(0));
  curve.std = errors_PK.size(0) > 1 ? to_vector(errors_PK.std(0))
                                    : std::vector<double>(curve.mean.size(), 0.0);
  curve.low = to_vector(interval.low);
  curve.high = to_vector(interval.high);
  return curve;
}

}  // namespace icl
