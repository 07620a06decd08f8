// SPDX-License-Identifier: Apache-2.0
#include "icl/tasks/gaussian_inputs.h"

namespace icl {

at::Tensor GaussianInputs::draw(const InputRequest& request) const {
  return request.stream.child("xs").normal(request.shape());
}

}  // namespace icl
