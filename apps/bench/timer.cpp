// SPDX-License-Identifier: Apache-2.0
#include "timer.h"

#include <ATen/DeviceAccelerator.h>
#include <ATen/Parallel.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>

#include "icl/cli/signals.h"

namespace icl {
namespace {

constexpr double kShortest = 2e-3;  // seconds of one timed run; shorter work is repeated

double seconds_now(c10::Device device) {
  const bool alone = device.is_cpu() && at::get_num_threads() == 1;
  timespec now{};
  ::clock_gettime(alone ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double page_faults_now() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_minflt);
}

struct Run {
  double seconds, page_faults;
};

Run timed(const std::function<void()>& work, int repetitions, c10::Device device) {
  stop_if_asked();
  const double faults = page_faults_now();
  const double start = seconds_now(device);
  for (int i = 0; i < repetitions; ++i) work();
  wait_for(device);
  return {(seconds_now(device) - start) / repetitions, (page_faults_now() - faults) / repetitions};
}

struct Lane {
  const Contender* contender;
  int repetitions = 1;
  double spent = 0;
  double page_faults = 0;
  std::vector<double> times;

  void add(const Run& run) {
    times.push_back(run.seconds);
    page_faults += run.page_faults;
  }

  bool wants_more(double seconds, int most_runs) const {
    return times.empty() || (spent < seconds && static_cast<int>(times.size()) < most_runs);
  }
};

}  // namespace

void wait_for(c10::Device device) {
  if (!device.is_cpu()) at::accelerator::synchronizeDevice(device.index());
}

std::vector<Timing> race(const std::vector<Contender>& contenders, c10::Device device,
                         double seconds, int most_runs) {
  std::vector<Lane> lanes;
  for (const Contender& contender : contenders) {
    Lane lane{.contender = &contender};
    Run first = timed(contender.work, 1, device);
    if (first.seconds < seconds) first = timed(contender.work, 1, device);
    lane.repetitions = std::max(1, static_cast<int>(kShortest / first.seconds));
    if (first.seconds >= seconds) lane.add(first);
    lanes.push_back(std::move(lane));
  }
  for (bool more = true; more;) {
    more = false;
    for (Lane& lane : lanes) {
      if (!lane.wants_more(seconds, most_runs)) continue;
      lane.add(timed(lane.contender->work, lane.repetitions, device));
      lane.spent += lane.times.back() * lane.repetitions;
      if (lane.times.back() >= seconds) lane.spent = seconds;
      more = true;
    }
  }
  std::vector<Timing> timings;
  for (Lane& lane : lanes) {
    std::sort(lane.times.begin(), lane.times.end());
    const auto runs = static_cast<double>(lane.times.size());
    timings.push_back({lane.contender->name, lane.times[lane.times.size() / 2], lane.times.front(),
                       static_cast<int>(lane.times.size()), lane.page_faults / runs});
  }
  return timings;
}

}  // namespace icl
