// SPDX-License-Identifier: Apache-2.0
//
// SIGINT, SIGTERM, SIGHUP (a terminal that closed), SIGUSR1, SIGUSR2 and SIGXCPU (schedulers) and
// SIGPIPE (a reader that left) ask the work to stop at the next safe point. A second Ctrl-C, typed
// at least a second after the first, ends the program at once; any other repeated signal changes
// nothing.
//
//   install_signal_handlers();
//   while (pending_signal() == 0) step();
#pragma once

namespace icl {

void install_signal_handlers();

// The signal that asked to stop, or 0.
int pending_signal();

// Unwinds work that has nothing to save; the program's exit code then tells of the signal.
struct Interrupted {};
void stop_if_asked();  // throws Interrupted if a signal is pending

}  // namespace icl
