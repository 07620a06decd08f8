// SPDX-License-Identifier: Apache-2.0
//
// A tokenizer.json of the Hugging Face tokenizers library as a Tokenizer.
#pragma once

#include <memory>

#include "icl/tokenizer/tokenizer.h"
#include "src/tokenizer/json_place.h"

namespace icl::tokenizer {

// `document`: the whole file. Throws DataError for what is damaged or not supported.
std::unique_ptr<Tokenizer> make_json_tokenizer(const JsonPlace& document);

}  // namespace icl::tokenizer
