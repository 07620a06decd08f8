// SPDX-License-Identifier: Apache-2.0
#include "icl/cli/signals.h"

#include <unistd.h>

#include <csignal>

namespace icl {
namespace {

volatile std::sig_atomic_t pending = 0;

// Only what is safe inside a signal handler.
extern "C" void on_signal(int signal) {
  // What is written after the reader left meets more of them, and has to be saved all the same.
  if (pending != 0 && signal == SIGPIPE) return;
  if (pending != 0 && pending != SIGPIPE) _exit(128 + signal);
  pending = signal;
}

}  // namespace

void install_signal_handlers() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGTERM, SIGPIPE}) sigaction(signal, &action, nullptr);
  struct sigaction before {};
  sigaction(SIGHUP, nullptr, &before);
  if (before.sa_handler != SIG_IGN) sigaction(SIGHUP, &action, nullptr);  // else: nohup
}

int pending_signal() {
  return pending;
}

void stop_if_asked() {
  if (pending_signal() != 0) throw Interrupted{};
}

}  // namespace icl
