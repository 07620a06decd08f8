// SPDX-License-Identifier: Apache-2.0
//
// The keys of a struct as a table for people: key, type, default, range, meaning.
//
//   std::puts(icl::table_of_fields([&](icl::Fields& f) { config.describe(f); }).c_str());
#pragma once

#include <string>

#include "icl/config/fields.h"

namespace icl {

// One line for each key, with the condition under which the key applies.
std::string table_of_fields(const Describe& describe);

}  // namespace icl
