// SPDX-License-Identifier: Apache-2.0
#include "src/evaluation/resolved.h"

#include "icl/config/writer.h"

namespace icl {

nlohmann::ordered_json task_json(const TaskConfig& task) {
  TaskConfig copy = task;
  return write_fields([&copy](Fields& f) { copy.describe(f); });
}

Provenance with_libraries(Provenance from, const std::vector<Baseline>& baselines) {
  for (const Baseline& baseline : baselines) {
    if (!baseline.library.empty()) from.libraries[baseline.library] = baseline.library_version;
  }
  return from;
}

}  // namespace icl
