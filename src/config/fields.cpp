// SPDX-License-Identifier: Apache-2.0
#include "icl/config/fields.h"

#include "icl/base/text.h"

namespace icl {

std::string Range::text() const {
  const std::string from = shortest(low);
  const std::string to = shortest(high);
  const bool bounded_low = low > -std::numeric_limits<double>::infinity();
  const bool bounded_high = high < std::numeric_limits<double>::infinity();
  if (bounded_low && bounded_high) return (open_low ? "> " + from + " .. " : from + " .. ") + to;
  if (bounded_low) return (open_low ? "> " : ">= ") + from;
  if (bounded_high) return "<= " + to;
  return "any";
}

}  // namespace icl
