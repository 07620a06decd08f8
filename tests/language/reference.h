// SPDX-License-Identifier: Apache-2.0
//
// The published formulas of every family, written out in double precision, token by token: slow,
// plain, and apart from the zoo's code.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "tests/language/random_models.h"

namespace icl::testing {

// Logits [T, rows] float64 of one sequence.
at::Tensor reference_logits(const HubModel& model, const std::vector<int64_t>& ids);

}  // namespace icl::testing
