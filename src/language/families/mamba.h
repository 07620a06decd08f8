// SPDX-License-Identifier: Apache-2.0
//
// The layout of Mamba in transformers, which Falcon Mamba shares.
#pragma once

#include <optional>

#include "src/language/family.h"

namespace icl::language {

// `selection_norm_eps` as in MambaOptions.
Blueprint hub_mamba(const Settings& config, const char* family,
                    std::optional<double> selection_norm_eps);

}  // namespace icl::language
