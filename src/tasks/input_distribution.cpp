// SPDX-License-Identifier: Apache-2.0
//
// The distributions of inputs that icl has.
#include "icl/tasks/input_distribution.h"

#include "icl/tasks/gaussian_inputs.h"
#include "icl/tasks/quadrant_inputs.h"
#include "icl/tasks/rotated_inputs.h"

namespace icl {

Kinds<InputInterface>& InputInterface::table() {
  static Kinds<InputInterface> inputs = [] {
    Kinds<InputInterface> table;
    table.add<GaussianInputs>();
    table.add<HalfSubspaceInputs>();
    table.add<QuadrantInputs>();
    table.add<SkewedInputs>();
    return table;
  }();
  return inputs;
}

}  // namespace icl
