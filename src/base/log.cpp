// SPDX-License-Identifier: Apache-2.0
//
// The only source that sees spdlog: LibTorch ships fmt headers of another version, so no torch
// header may be included here, and spdlog nowhere else.
#include "icl/base/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "icl/base/error.h"
#include "icl/base/text.h"

namespace icl {
namespace {

spdlog::logger& logger() {
  static const std::shared_ptr<spdlog::logger> instance = [] {
    auto created = std::make_shared<spdlog::logger>(
        "icl", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    created->set_pattern("%^%l%$: %v");
    created->flush_on(spdlog::level::trace);
    return created;
  }();
  return *instance;
}

}  // namespace

const std::vector<std::string>& log_levels() {
  static const std::vector<std::string> levels = {"debug", "info", "warning", "error", "off"};
  return levels;
}

void set_log_level(std::string_view level) {
  const std::string name(level);
  bool known = false;
  for (const std::string& candidate : log_levels()) known = known || candidate == name;
  if (!known) {
    throw UsageError(str("--log-level '", name, "': expected one of ", join(log_levels()),
                         did_you_mean(name, log_levels())));
  }
  logger().set_level(spdlog::level::from_str(name));
}

void log_debug(const std::string& message) {
  logger().debug("{}", message);
}
void log_info(const std::string& message) {
  logger().info("{}", message);
}
void log_warning(const std::string& message) {
  logger().warn("{}", message);
}
void log_error(const std::string& message) {
  logger().error("{}", message);
}

}  // namespace icl
