// SPDX-License-Identifier: Apache-2.0
//
// Spaces as a visible character, "▁": settings that pre-tokenizer and decoder share.
#pragma once

#include <string>

#include "src/tokenizer/json_place.h"

namespace icl::tokenizer {

struct Metaspace {
  enum class Prepend { kAlways, kFirst, kNever };  // where a text gets one that has none
  std::string replacement;
  Prepend prepend = Prepend::kAlways;
  bool split = true;
};

// Reads the older add_prefix_space too.
Metaspace read_metaspace(const JsonPlace& place);

}  // namespace icl::tokenizer
