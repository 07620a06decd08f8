// SPDX-License-Identifier: Apache-2.0
#include "src/cli/dry_run.h"

#include <c10/core/CachingDeviceAllocator.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>

#include "icl/base/error.h"
#include "icl/base/text.h"
#include "icl/cli/signals.h"
#include "icl/training/trainer.h"

namespace icl {
namespace {

// The most memory in use so far: of the device's allocator, or of the process on a CPU.
double peak_memory(c10::Device device) {
  if (!device.is_cpu()) {
    const auto stats = c10::getDeviceAllocator(device.type())->getDeviceStats(device.index());
    constexpr auto kAll = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
    return static_cast<double>(stats.allocated_bytes[kAll].peak);
  }
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024;
}

std::string shape_text(const StepReport& report) {
  if (report.n_dims == 0) return str(report.n_points, " points");
  return str(report.n_points, " points in ", report.n_dims,
             report.n_dims == 1 ? " dimension" : " dimensions");
}

}  // namespace

int dry_run(const RunConfig& config, c10::Device device, bool as_json) {
  Trainer trainer(config, make_objective(config, device), device);
  const int64_t last = config.training.steps - 1;
  const auto timed_step = [&](std::optional<StepReport>& report) {
    const auto start = std::chrono::steady_clock::now();
    report = trainer.step(last, /*report=*/true);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  std::optional<StepReport> report, again;
  double seconds = timed_step(report);
  // The first step is slower than the others.
  const int more = seconds < 1 ? 5 : seconds < 10 ? 1 : 0;
  for (int i = 0; i < more; ++i, stop_if_asked()) seconds = std::min(seconds, timed_step(again));
  const int64_t parameters = trainer.objective().parameter_count();
  const double state_bytes = 3.0 * 4.0 * static_cast<double>(parameters);
  const double total = seconds * static_cast<double>(config.training.steps);
  if (as_json) {
    const nlohmann::ordered_json result = {{"schema", "icl.dry_run"},
                                           {"version", 1},
                                           {"parameters", parameters},
                                           {"state_bytes", state_bytes},
                                           {"peak_memory_bytes", peak_memory(device)},
                                           {"seconds_per_step", seconds},
                                           {"seconds_in_all", total},
                                           {"loss", report->loss}};
    std::printf("%s\n", result.dump(2).c_str());
    return 0;
  }
  std::printf("model       %s, %lld blocks of width %lld\n", config.model.family.name().c_str(),
              static_cast<long long>(config.model.n_layer),
              static_cast<long long>(config.model.d_model));
  std::printf("parameters  %s\n", with_commas(parameters).c_str());
  std::printf("memory      %s for weights and optimizer; at most %s in use during a step\n",
              human_bytes(state_bytes).c_str(), human_bytes(peak_memory(device)).c_str());
  std::printf("step        %.2f s for %lld prompts of %s, on %s\n", seconds,
              static_cast<long long>(config.training.batch_size), shape_text(*report).c_str(),
              device.str().c_str());
  std::printf("time        at most %s for %s steps: the early, shorter prompts take less\n",
              human_duration(total).c_str(), with_commas(config.training.steps).c_str());
  std::printf("loss        %.4f, %.3f of always predicting zero\n", report->loss,
              report->relative_loss);
  return 0;
}

}  // namespace icl
