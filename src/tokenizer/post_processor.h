// SPDX-License-Identifier: Apache-2.0
//
// The "post_processor" of a tokenizer.json: special tokens around a text.
#pragma once

#include <cstdint>
#include <vector>

#include "src/tokenizer/json_place.h"

namespace icl::tokenizer {

struct Surroundings {
  std::vector<int64_t> before;
  std::vector<int64_t> after;
};

// Supported: null, Sequence, ByteLevel (adds nothing), TemplateProcessing, BertProcessing,
// RobertaProcessing.
Surroundings read_post_processor(const JsonPlace& place);

}  // namespace icl::tokenizer
