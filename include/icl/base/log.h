// SPDX-License-Identifier: Apache-2.0
//
// Messages for people, on stderr. Results never go through here: they are written to stdout.
//
//   set_log_level("warning");
//   log_info(str("resuming at step ", step));
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace icl {

// Accepted by set_log_level, from most to least talkative.
const std::vector<std::string>& log_levels();

// Throws UsageError for an unknown name.
void set_log_level(std::string_view level);

void log_debug(const std::string& message);
void log_info(const std::string& message);
void log_warning(const std::string& message);
void log_error(const std::string& message);

}  // namespace icl
