// SPDX-License-Identifier: Apache-2.0
//
// The token tasks that icl has.
#include "icl/tasks/token_task.h"

#include "icl/tasks/demonstrations.h"

namespace icl {

Kinds<TokenTaskInterface>& TokenTaskInterface::table() {
  static Kinds<TokenTaskInterface> tasks = [] {
    Kinds<TokenTaskInterface> table;
    table.add<Demonstrations>();
    return table;
  }();
  return tasks;
}

}  // namespace icl
