// SPDX-License-Identifier: Apache-2.0
#include "icl/cli/signals.h"

#include <unistd.h>

#include <csignal>

namespace icl {
namespace {

volatile std::sig_atomic_t pending = 0;

// Only what is safe inside a signal handler.
extern "C" void on_signal(int signal) {
  if (pending != 0) _exit(128 + signal);
  pending = signal;
}

}  // namespace

void install_signal_handlers() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

int pending_signal() {
  return pending;
}

}  // namespace icl
