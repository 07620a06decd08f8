// SPDX-License-Identifier: Apache-2.0
//
// The world vocabulary of RWKV: lines of `id literal length`, the literal a Python string or bytes;
// the longest token that a text goes on with is taken. Id 0 ends a text.
#pragma once

#include <filesystem>
#include <memory>

#include "icl/tokenizer/tokenizer.h"

namespace icl::tokenizer {

std::unique_ptr<Tokenizer> load_world_vocabulary(const std::filesystem::path& path);

}  // namespace icl::tokenizer
