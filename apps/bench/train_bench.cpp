// SPDX-License-Identifier: Apache-2.0
#include "train_bench.h"

#include <ATen/Parallel.h>
#include <ATen/record_function.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "icl/cli/signals.h"
#include "icl/models/gpt2.h"
#include "icl/runs/provenance.h"
#include "icl/training/trainer.h"
#include "timer.h"

namespace icl {
namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Counts the time spent in calls to icl:: operators while it lives; one operator called by another
// counts once.
class OperatorTime {
 public:
  OperatorTime()
      : handle_(at::addGlobalCallback(
            at::RecordFunctionCallback(begin, end).scopes({at::RecordScope::FUNCTION}))) {
    seconds_ = 0;
  }
  ~OperatorTime() { at::removeCallback(handle_); }
  OperatorTime(const OperatorTime&) = delete;
  OperatorTime& operator=(const OperatorTime&) = delete;

  double seconds() const { return seconds_; }

 private:
  static bool ours(const at::RecordFunction& function) {
    return std::strncmp(function.name(), "icl::", 5) == 0;
  }
  static std::unique_ptr<at::ObserverContext> begin(const at::RecordFunction& function) {
    if (ours(function) && depth_++ == 0) start_ = Clock::now();
    return nullptr;
  }
  static void end(const at::RecordFunction& function, at::ObserverContext* /*context*/) {
    if (ours(function) && --depth_ == 0) seconds_ += seconds_since(start_);
  }

  at::CallbackHandle handle_;
  static inline int depth_ = 0;  // on the CPU the backward pass runs in the calling thread
  static inline double seconds_ = 0;
  static inline Clock::time_point start_;
};

RunConfig quickstart(const Family& family) {
  RunConfig config;
  config.name = "quickstart " + family.name();
  config.model = {.family = family, .d_model = 64, .n_layer = 4};
  config.task.n_dims = 5;
  config.training.grad_clip = 1;
  config.training.curriculum.dims = {.start = 5, .end = 5};
  config.training.curriculum.points = {.start = 16, .end = 16};
  return config;
}

RunConfig paper(const Family& family, int64_t layers) {
  RunConfig config;
  config.name = "paper " + family.name();
  config.model.family = family;
  config.model.n_layer = layers;
  config.training.curriculum.dims = {.start = 20, .end = 20};
  config.training.curriculum.points = {.start = 41, .end = 41};
  return config;
}

Json measure(const RunConfig& config, c10::Device device) {
  constexpr double kSeconds = 10;
  constexpr int kMostSteps = 30;
  Trainer trainer(config, make_objective(config, device), device);
  trainer.step(0, /*report=*/false);
  wait_for(device);
  std::vector<double> steps;
  const OperatorTime operators;
  const auto start = Clock::now();
  while (steps.size() < 2 || (seconds_since(start) < kSeconds && steps.size() < kMostSteps)) {
    stop_if_asked();
    const auto before = Clock::now();
    trainer.step(static_cast<int64_t>(steps.size()) + 1, /*report=*/false);
    wait_for(device);
    steps.push_back(seconds_since(before));
  }
  const double share = operators.seconds() / seconds_since(start);
  std::sort(steps.begin(), steps.end());
  const double median = steps[steps.size() / 2];
  Json row{{"model", config.name},
           {"parameters", trainer.objective().parameter_count()},
           {"prompts", config.training.batch_size},
           {"points", config.training.curriculum.points.end},
           {"steps", steps.size()},
           {"seconds_per_step", median},
           {"minimum_seconds_per_step", steps.front()},
           {"prompts_per_s", static_cast<double>(config.training.batch_size) / median}};
  if (device.is_cpu()) row["operator_share"] = share;
  return row;
}

void print_row(const Json& row) {
  std::printf(
      "%-17s %12lld %8lld %7lld %12.1f %12.1f %10.1f", row["model"].get<std::string>().c_str(),
      row["parameters"].get<long long>(), row["prompts"].get<long long>(),
      row["points"].get<long long>(), row["seconds_per_step"].get<double>() * 1e3,
      row["minimum_seconds_per_step"].get<double>() * 1e3, row["prompts_per_s"].get<double>());
  if (row.contains("operator_share")) {
    std::printf(" %9.0f %%", row["operator_share"].get<double>() * 100);
  }
  std::printf("\n");
  std::fflush(stdout);
}

}  // namespace

int bench_train(const CommonOptions& common, const std::string& config_file) {
  keep_freed_memory();  // as icl-train does
  const c10::Device device = prepare_device(common);
  Json results{{"schema", "icl.bench.train"},      {"version", 1},
               {"icl_version", version_text()},    {"device", device.str()},
               {"threads", at::get_num_threads()}, {"rows", Json::array()}};
  if (!common.json) {
    std::printf("%s, %d threads; float32\n", device.str().c_str(), at::get_num_threads());
    std::printf("%-17s %12s %8s %7s %12s %12s %10s %11s\n", "model", "parameters", "prompts",
                "points", "ms, median", "ms, least", "prompts/s", "operators");
  }
  const Gpt2Family small_gpt2{.n_head = 4, .positions = "learned", .n_positions = 512};
  std::vector<RunConfig> configs = {quickstart(MambaFamily{}), quickstart(small_gpt2),
                                    paper(MambaFamily{}, 24), paper(Gpt2Family{}, 12)};
  if (!config_file.empty()) configs = {load_run_config(config_file, common.set)};
  for (const RunConfig& config : configs) {
    const Json row = measure(config, device);
    if (!common.json) print_row(row);
    results["rows"].push_back(row);
  }
  if (common.json) std::printf("%s\n", results.dump(2).c_str());
  return 0;
}

}  // namespace icl
