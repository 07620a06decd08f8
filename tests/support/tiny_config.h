// SPDX-License-Identifier: Apache-2.0
//
// A config for icl-train whose 30 steps take a second.
#pragma once

#include <fstream>
#include <string>

#include "tests/support/temp_folder.h"

namespace icl::testing {

// Writes it into the folder; its path.
inline std::string tiny_config(const TempFolder& folder) {
  std::ofstream(folder / "tiny.json") << R"({
    "name": "tiny", "seed": 2, "threads": 1, "device": "cpu",
    "model": { "family": "mamba", "d_model": 8, "n_layer": 1, "d_state": 4 },
    "task": { "n_dims": 3 },
    "training": {
      "steps": 30, "batch_size": 4, "log_every": 10, "checkpoint_every": 10,
      "curriculum": { "dims": { "start": 3, "end": 3 }, "points": { "start": 4, "end": 4 } }
    } })";
  return (folder / "tiny.json").string();
}

}  // namespace icl::testing
