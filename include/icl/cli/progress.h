// SPDX-License-Identifier: Apache-2.0
//
// How far a long piece of work is, on stderr: one line that rewrites itself on a terminal, a plain
// line now and then elsewhere.
//
//   Progress progress("step", total, common.show_progress());
//   progress.update(done, "loss 0.031  lr 1.0e-04");
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace icl {

class Progress {
 public:
  Progress(std::string unit, int64_t total, bool shown);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Cheap enough to call at every step. The remaining time is reckoned from the rate since the
  // first call.
  void update(int64_t done, const std::string& details = "");
  // Ends the line; further updates show nothing.
  void finish();

 private:
  using Clock = std::chrono::steady_clock;

  std::string unit_;
  int64_t total_;
  bool shown_;
  bool terminal_;
  bool drawn_ = false;
  int64_t first_ = -1;
  Clock::time_point start_{};
  Clock::time_point last_{};
};

// The line without its terminal codes, e.g. "step 120/500  24%  loss 0.03  ETA 1:05".
std::string progress_text(const std::string& unit, int64_t done, int64_t total, double rate,
                          const std::string& details);

}  // namespace icl
