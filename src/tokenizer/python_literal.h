// SPDX-License-Identifier: Apache-2.0
//
// String and bytes literals of Python: 'a\n', "it's", b'\xff'.
#pragma once

#include <string>
#include <string_view>

namespace icl::tokenizer {

// The bytes that a literal means (UTF-8 of a string), or false and what is wrong with it.
bool read_python_literal(std::string_view literal, std::string& bytes, std::string& problem);

}  // namespace icl::tokenizer
