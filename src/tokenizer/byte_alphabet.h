// SPDX-License-Identifier: Apache-2.0
//
// How byte-level vocabularies write bytes: each of the 256 as one printable character, U+0021 ..
// U+017F; a space is "Ġ" (Radford et al. 2019, "Language Models are Unsupervised Multitask
// Learners").
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace icl::tokenizer {

char32_t character_of_byte(unsigned char byte);

// "Ġthe" -> " the"; nothing when some character stands for no byte.
std::optional<std::string> bytes_of(std::string_view token);

}  // namespace icl::tokenizer
