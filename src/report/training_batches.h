// SPDX-License-Identifier: Apache-2.0
//
// What a run shows of itself before it is evaluated.
#pragma once

#include <optional>

#include "icl/report/inputs.h"

namespace icl::report {

// The errors in context of the last training batches, back to the last change of the curriculum, in
// units of the error of predicting zero. Bands are 90% normal intervals over batches. No value for
// a run without such steps, or whose config cannot be read, or that is trained on tokens.
std::optional<ReportedEvaluation> last_training_batches(const ReportedRun& run);

}  // namespace icl::report
