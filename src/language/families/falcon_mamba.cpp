// SPDX-License-Identifier: Apache-2.0
//
// Falcon Mamba (Zuo et al. 2024): Mamba whose step sizes, B and C are normalised.
#include "src/language/families/mamba.h"

namespace icl::language {

Blueprint falcon_mamba(const Settings& config) {
  return hub_mamba(config, "falcon_mamba", config.number("mixer_rms_eps", 1e-6));
}

}  // namespace icl::language
