// SPDX-License-Identifier: Apache-2.0
#include "icl/cli/signals.h"

#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <ctime>

namespace icl {
namespace {

volatile std::sig_atomic_t pending = 0;
volatile std::sig_atomic_t pending_since = 0;  // milliseconds of the monotonic clock, modulo 2^30

// Signals that ask to stop. Schedulers send USR1, USR2 and XCPU ahead of their limits, some TERM
// twice within milliseconds, and a terminal that closes HUP twice.
constexpr int kStopSignals[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU, SIGPIPE};

// Uses only functions that are safe inside a signal handler.
extern "C" void on_signal(int signal) {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  constexpr int64_t kModulus = int64_t{1} << 30;
  const auto time =
      static_cast<std::sig_atomic_t>((now.tv_sec * 1000 + now.tv_nsec / 1'000'000) % kModulus);
  // Only a person who presses Ctrl-C again after a while wants to leave without saving.
  const bool again =
      pending == SIGINT && signal == SIGINT && (time - pending_since + kModulus) % kModulus >= 1000;
  if (again) _exit(128 + signal);
  // A reader that has gone is a reason to stop that any other signal outranks.
  if (pending != 0 && (pending != SIGPIPE || signal == SIGPIPE)) return;
  pending = signal;
  pending_since = time;
}

}  // namespace

void install_signal_handlers() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (const int signal : kStopSignals) {
    struct sigaction before {};
    sigaction(signal, nullptr, &before);
    const bool ignored = before.sa_handler == SIG_IGN && signal != SIGPIPE;  // nohup ignores HUP
    if (!ignored) sigaction(signal, &action, nullptr);
  }
}

int pending_signal() {
  return pending;
}

void stop_if_asked() {
  if (pending_signal() != 0) throw Interrupted{};
}

}  // namespace icl
