// SPDX-License-Identifier: Apache-2.0
//
// Rotary positions as the configs of the Hugging Face hub describe them: in an object
// (`rope_scaling` of transformers 4, `rope_parameters` of transformers 5), in keys of their own
// beside that object, or spread over both.
#pragma once

#include <memory>
#include <vector>

#include "icl/models/attention.h"
#include "src/language/settings.h"

namespace icl::language {

struct RopeKeys {
  // Keys of the config's top level that hold the base (`rope_theta`) and the share of a head that
  // is turned (`partial_rotary_factor`), the first that is there. Keys inside the object win.
  std::vector<const char*> theta_keys = {"rope_theta"};
  std::vector<const char*> share_keys = {};  // empty: heads are turned whole
  double share = 1;                          // without any of the keys
  int64_t max_positions = 0;                 // the config's max_position_embeddings
};

// As transformers resolves the keys: a non-empty rope_scaling is taken instead of rope_parameters.
// Types: default, linear, dynamic, yarn, longrope, llama3. Throws DataError for any other, and for
// keys that are missing or out of range.
std::shared_ptr<const Rotary> rope_of(const Settings& config, const RopeKeys& keys, int64_t d_head);

}  // namespace icl::language
