// SPDX-License-Identifier: Apache-2.0
#include "src/probing/numbers.h"

namespace icl::probing {

std::vector<double> numbers(const at::Tensor& values) {
  const at::Tensor plain = values.to(at::kCPU, at::kDouble).contiguous();
  const double* first = plain.data_ptr<double>();
  return {first, first + plain.numel()};
}

}  // namespace icl::probing
