// SPDX-License-Identifier: Apache-2.0
#include "icl/tasks/quadrant_inputs.h"

#include <ATen/ATen.h>

#include "icl/tasks/gaussian_inputs.h"

namespace icl {

at::Tensor QuadrantInputs::draw(const InputRequest& request) const {
  return GaussianInputs{}.draw(request);
}

at::Tensor QuadrantInputs::arrange(const at::Tensor& xs_BKD, const RandomStream& stream) const {
  const at::Tensor signs =
      stream.child("quadrants").integers({xs_BKD.size(0), 1, xs_BKD.size(2)}, 2).to(at::kFloat) *
          2 -
      1;
  at::Tensor shown = xs_BKD.slice(1, 0, xs_BKD.size(1) - 1);  // every point but the last
  shown.copy_(shown.abs() * signs);
  return xs_BKD;
}

std::optional<Inputs> QuadrantInputs::last_point() const {
  return GaussianInputs{};
}

}  // namespace icl
