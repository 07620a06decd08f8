// SPDX-License-Identifier: Apache-2.0
#include "icl/base/error.h"

namespace icl::internal {

void assertion_failed(const char* condition, const char* file, int line,
                      const std::string& message) {
  throw Error(ExitCode::kDefect,
              str(file, ":", line, ": defect: ", condition, message.empty() ? "" : ": ", message));
}

}  // namespace icl::internal
