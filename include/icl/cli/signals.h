// SPDX-License-Identifier: Apache-2.0
//
// SIGINT and SIGTERM ask the work to stop at the next safe point; a second one ends it at once.
//
//   install_signal_handlers();
//   while (pending_signal() == 0) step();
#pragma once

namespace icl {

void install_signal_handlers();

// The signal that asked to stop, or 0.
int pending_signal();

}  // namespace icl
