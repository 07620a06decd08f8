// SPDX-License-Identifier: Apache-2.0
//
// Rotary positions as configs describe them: one object rope_parameters (transformers 5), or keys
// of their own beside an optional rope_scaling (transformers 4).
#pragma once

#include <memory>

#include "icl/models/attention.h"
#include "src/language/settings.h"

namespace icl::language {

// `theta_key` and `share_key` name the older keys for the base and for the share of a head that is
// turned; `context` is the length that llama3's scaling starts from if it names none.
struct RopeKeys {
  const char* theta_key;
  const char* share_key;
  double share = 1;
  int64_t context = 0;
};
std::shared_ptr<const Rotary> rope_of(const Settings& config, const RopeKeys& keys, int64_t d_head);

}  // namespace icl::language
