// SPDX-License-Identifier: Apache-2.0
//
// icl-train --dry-run.
#pragma once

#include <c10/core/Device.h>

#include "icl/runs/run_config.h"

namespace icl {

// Builds the model, runs a few steps at the curriculum's final size, and prints parameters, memory
// and time; writes nothing.
int dry_run(const RunConfig& config, c10::Device device, bool as_json);

}  // namespace icl
