// SPDX-License-Identifier: Apache-2.0
#include "icl/cli/progress.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "icl/base/text.h"

namespace icl {
namespace {

constexpr auto kTerminalPause = std::chrono::milliseconds(200);
constexpr auto kPlainPause = std::chrono::seconds(10);

}  // namespace

std::string progress_text(const std::string& unit, int64_t done, int64_t total, double rate,
                          const std::string& details) {
  const double fraction = total > 0 ? static_cast<double>(done) / static_cast<double>(total) : 0;
  std::array<char, 96> head{};
  std::snprintf(head.data(), head.size(), "%s %lld/%lld  %3.0f%%", unit.c_str(),
                static_cast<long long>(done), static_cast<long long>(total), 100 * fraction);
  std::string text = head.data();
  if (!details.empty()) text += "  " + details;
  if (rate > 0 && done < total) {
    text += "  ETA " + human_duration(static_cast<double>(total - done) / rate);
  }
  return text;
}

Progress::Progress(std::string unit, int64_t total, bool shown)
    : unit_(std::move(unit)),
      total_(total),
      shown_(shown),
      terminal_(::isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  finish();
}

void Progress::update(int64_t done, const std::string& details) {
  if (!shown_) return;
  const Clock::time_point now = Clock::now();
  if (first_ < 0) {
    first_ = done;
    start_ = now;
    if (!terminal_) last_ = now;
  }
  if (done < total_ &&
      now - last_ < (terminal_ ? Clock::duration(kTerminalPause) : Clock::duration(kPlainPause))) {
    return;
  }
  last_ = now;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const double rate = seconds > 0 ? static_cast<double>(done - first_) / seconds : 0;
  const std::string text = progress_text(unit_, done, total_, rate, details);
  std::fprintf(stderr, terminal_ ? "\r\033[K%s" : "%s\n", text.c_str());
  std::fflush(stderr);
  drawn_ = true;
}

void Progress::finish() {
  if (shown_ && terminal_ && drawn_) std::fputc('\n', stderr);
  shown_ = false;
}

}  // namespace icl
