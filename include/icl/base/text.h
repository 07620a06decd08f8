// SPDX-License-Identifier: Apache-2.0
//
// Small text helpers for messages: lists, nearest spellings, human-readable sizes and times.
//
//   throw UsageError(str("unknown task 'liner'", did_you_mean("liner", {"linear", "tree"})));
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace icl {

// "a, b, c"
std::string join(const std::vector<std::string>& parts, std::string_view separator = ", ");

// Splits at every separator; "a,,b" has an empty middle part, "" has no part.
std::vector<std::string> split(std::string_view text, char separator);

// The candidate with the smallest edit distance (swapped neighbours count one) to `word`, or ""
// when none is close enough to be a likely slip (more than a third of the letters differ).
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

// "; did you mean 'x'?" or "" when nothing is near.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

// 1536 -> "1.5 KiB"
std::string human_bytes(double bytes);

// 3725 s -> "1:02:05", 65 s -> "1:05"
std::string human_duration(double seconds);

// 10518273 -> "10,518,273"
std::string with_commas(int64_t value);

// Shortest text that reads back as exactly the same double ("0.1", not "0.10000000000000001").
std::string shortest(double value);

}  // namespace icl
