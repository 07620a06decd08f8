// SPDX-License-Identifier: Apache-2.0
//
// Times several ways to do the same thing against each other, in turns, so that a busy machine
// disturbs them alike. With one thread on the CPU it is processor time that counts, and other
// programs do not; else it is the time on the wall.
//
//   const std::vector<Timing> times = race({{"fast", fast}, {"slow", slow}}, device);
//   double ratio = times[1].median / times[0].median;
#pragma once

#include <c10/core/Device.h>

#include <functional>
#include <string>
#include <vector>

namespace icl {

struct Contender {
  std::string name;
  std::function<void()> work;
};

struct Timing {
  std::string name;
  double median = 0;  // seconds of one run of `work`
  double minimum = 0;
  int runs = 0;  // each of them of several repetitions if one is short
  // Of one run, on average: pages of memory that the system had to provide first. Work that
  // allocates much can take twice as long with them, and whether it has them depends on what the
  // allocator kept of earlier work.
  double page_faults = 0;
};

// Each contender once to warm up, then turns until `seconds` have passed for each, at most
// `most_runs`; one that takes longer than that runs once. Waits for the device after each run.
std::vector<Timing> race(const std::vector<Contender>& contenders, c10::Device device,
                         double seconds = 1, int most_runs = 50);

// Waits until the device has done all that it was given.
void wait_for(c10::Device device);

}  // namespace icl
